"""What this repository's tests and measurements share: a site with people, a browser's eyes, PostgreSQL, a tiny model. Not in the wheel."""
