"""Tables of the people in the loop: accounts, projects, assignments, verdicts with their history, red teaming.

Verdicts, decisions and the audit log are appended, never rewritten: a correction is a new version, and the
last one counts. Times are seconds since 1970; `content` columns are canonical JSON.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy import Table as _Table

PEOPLE = MetaData()
"""Tables and columns keep the names that stores were made with: `seats` are assignments, `slots` a task's candidates,
`marks` the labels that people gave."""

ACCOUNTS = _Table(
    "accounts",
    PEOPLE,
    Column("key", Integer, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("folded", String(80), nullable=False, unique=True),
    Column("alias", String(40), nullable=False, unique=True),
    Column("password", Text, nullable=False),
    Column("role", String(20), nullable=False),
    Column("created", Float, nullable=False),
    Column("closed", Float),
)
"""`folded` is the name without case and width: what must be unique, and what people sign in by; `alias` is what
stored verdicts carry instead of the name; `password` is an argon2 hash, empty for the one
user of a loopback site; `role` is owner, adjudicator or annotator."""

INVITATIONS = _Table(
    "invitations",
    PEOPLE,
    Column("key", Integer, primary_key=True),
    Column("token", String(64), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("note", String(200), nullable=False),
    Column("project", Integer),
    Column("made_by", Integer),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("used_by", Integer),
    Column("used", Float),
    Column("withdrawn", Float),
)
"""`token` is the sha256 of what the link holds: a copy of the store opens no door."""

SESSIONS = _Table(
    "sessions",
    PEOPLE,
    Column("token", String(64), primary_key=True),
    Column("account", Integer, nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Index("sessions_by_account", "account"),
)

RESETS = _Table(
    "resets",
    PEOPLE,
    Column("key", Integer, primary_key=True),
    Column("token", String(64), nullable=False, unique=True),
    Column("account", Integer, nullable=False, unique=True),
    Column("made_by", Integer),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
)
"""Links for a new password: `token` is the sha256 of what the link holds; a used one is deleted."""

LOGIN_FAILURES = _Table(
    "login_failures",
    PEOPLE,
    Column("key", Integer, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("address", String(64), nullable=False),
    Column("created", Float, nullable=False),
    Index("login_failures_by_time", "created"),
)
"""`name` is the sha256 of what was typed as a name: it may have been a password."""

AUDIT = _Table(
    "audit",
    PEOPLE,
    Column("key", Integer, primary_key=True),
    Column("created", Float, nullable=False),
    Column("account", Integer),
    Column("action", String(60), nullable=False),
    Column("content", Text, nullable=False),
    Index("audit_by_action", "action"),
)
"""Who did what: logins, invitations, projects, exports, deletions. Holds no verdict, answer or password."""

PROJECTS = _Table(
    "projects",
    PEOPLE,
    Column("key", Integer, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("made_by", Integer),
    Column("created", Float, nullable=False),
    Column("content", Text, nullable=False),
)
"""`kind` is grade (a level for each turn) or expert (best of k); `state` is open or closed."""

MEMBERS = _Table(
    "members",
    PEOPLE,
    Column("project", Integer, nullable=False),
    Column("account", Integer, nullable=False),
    Column("created", Float, nullable=False),
    PrimaryKeyConstraint("project", "account"),
)

TASKS = _Table(
    "tasks",
    PEOPLE,
    Column("key", Integer, primary_key=True),
    Column("project", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("item", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("seats", Integer, nullable=False),
    Column("gold", Text),
    UniqueConstraint("project", "position"),
    Index(
        "gold_tasks",
        "project",
        "position",
        sqlite_where=text("gold IS NOT NULL"),
        postgresql_where=text("gold IS NOT NULL"),
    ),
)
"""What one person sees at once: one item with the answers of its candidates. `gold` holds the levels that are known
(JSON: "CANDIDATE:TURN" to level, with a reason), for the questions that everybody gets."""

CANDIDATES = _Table(
    "slots",
    PEOPLE,
    Column("task", Integer, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("run", Integer, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("trial", Integer, nullable=False),
    PrimaryKeyConstraint("task", "slot"),
    Index("slots_by_run", "run", "rank"),
)
"""The dialogues of a task, by the store's own place (`runs.key`, rank, trial)."""

ASSIGNMENTS = _Table(
    "seats",
    PEOPLE,
    Column("key", Integer, primary_key=True),
    Column("project", Integer, nullable=False),
    Column("task", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("account", Integer),
    Column("state", String(20), nullable=False),
    Column("order", Text, nullable=False),
    Column("taken", Float),
    Column("until", Float),
    Column("done", Float),
    UniqueConstraint("task", "number"),
    UniqueConstraint("task", "account"),
    Index("seats_by_account", "project", "account", "state"),
    Index("seats_by_state", "project", "state", "task", "number"),
)
"""A place at a task for one person: free, taken (until a time, then free again), done or skipped. `order` is the
random order in which that person saw the candidates (JSON list of their numbers), recorded when it is taken."""

RESPONSES = _Table(
    "responses",
    PEOPLE,
    Column("key", Integer, primary_key=True),
    Column("seat", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("token", String(64), nullable=False, unique=True),
    Column("account", Integer, nullable=False),
    Column("project", Integer, nullable=False),
    Column("task", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("created", Float, nullable=False),
    Column("content", Text, nullable=False),
    UniqueConstraint("seat", "version"),
    Index("responses_by_project", "project", "account"),
)
"""What a person sent, whole: every version stays. `token` is made by the browser, so that a save that is sent
twice after a lost connection is one save."""

LABELS = _Table(
    "marks",
    PEOPLE,
    Column("project", Integer, nullable=False),
    Column("task", Integer, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("account", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("level", Text),
    Column("created", Float, nullable=False),
    PrimaryKeyConstraint("project", "task", "slot", "turn", "account", "version"),
)
"""The levels of each response, one row a candidate and turn; the highest version counts; a null level is none."""

DECISIONS = _Table(
    "decisions",
    PEOPLE,
    Column("project", Integer, nullable=False),
    Column("task", Integer, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("account", Integer, nullable=False),
    Column("level", Text),
    Column("reason", Text, nullable=False),
    Column("created", Float, nullable=False),
    PrimaryKeyConstraint("project", "task", "slot", "turn", "version"),
)
"""The gold label of an answer and its history; a null level takes the decision back."""

ATTACKS = _Table(
    "attacks",
    PEOPLE,
    Column("key", Integer, primary_key=True),
    Column("account", Integer, nullable=False),
    Column("model", Text, nullable=False),
    Column("benchmark", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("category", Text, nullable=False),
    Column("style", String(80), nullable=False),
    Column("judged", String(20), nullable=False),
    Column("item", String(80), unique=True),
    Column("created", Float, nullable=False),
    Column("changed", Float, nullable=False),
    Column("content", Text, nullable=False),
    Index("attacks_by_state", "state"),
)
"""A person's attempt to break a model: open, submitted, withdrawn, accepted (it is an item) or rejected. `judged` is
broke, held or empty: the judge's verdict, known after the attack was handed in; `item` is the accepted item's id."""

ATTACK_TURNS = _Table(
    "attack_turns",
    PEOPLE,
    Column("attack", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("detail", Text, nullable=False),
    Column("broke", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("created", Float, nullable=False),
    PrimaryKeyConstraint("attack", "turn", "attempt"),
)
"""A turn is stored when it is asked (status `asking`) and filled when the answer is complete. Asking again after a
reply that failed or was cut off is another attempt: the last one counts, the earlier ones stay."""

CHOICE_ITEMS = _Table(
    "choice_items",
    PEOPLE,
    Column("key", Integer, primary_key=True),
    Column("state", String(20), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("category", Text, nullable=False),
    Column("difficulty", String(20), nullable=False),
    Column("source", Text, nullable=False),
    Column("made_by", Integer),
    Column("created", Float, nullable=False),
    Column("changed", Float, nullable=False),
    Column("content", Text, nullable=False),
    Index("choice_items_by_state", "state"),
)
"""A question with a good and a bad answer: proposed, accepted or rejected by a reviewer."""

UPLOADS = _Table(
    "uploads",
    PEOPLE,
    Column("token", String(64), primary_key=True),
    Column("project", Integer, nullable=False),
    Column("account", Integer, nullable=False),
    Column("name", String(80), nullable=False),
    Column("created", Float, nullable=False),
    Column("content", Text, nullable=False),
)
"""A file of labels between its preview and its confirmation, in base64; gone after an hour."""
