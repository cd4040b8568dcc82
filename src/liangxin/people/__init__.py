"""The people of the site: accounts, sessions, invitations, forgotten passwords, the log of actions, personal data."""
