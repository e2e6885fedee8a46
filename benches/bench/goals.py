"""The goals: names of figures, * for any part of one, and what their medians must be."""

from fnmatch import fnmatch

GOALS = [
    ("a.*.daemon_per_smtp_source", ">=", 0.7),
    ("b.daemon_per_django_post_office.*", ">=", 15),
    ("b.daemon_per_nodemailer.*", ">=", 10),
    ("c.*.100k.flip_per_update", "<=", 1.25),
    ("c.*.1m.flip_per_update", "<=", 1.5),
    ("d.*.database_ms_per_tick.*_per_*", "<=", 1.1),
    ("d.sqlite.cpu_ms_per_tick.*_per_*", "<=", 1.1),
    ("d.*.database_ms_per_tick.*", "<=", 1),
    ("e.*.1m.expand_per_insert", "<=", 1.3),
    ("f.1m.import_per_copy", "<=", 3),
    ("g.memory.*", "<=", 100),
    ("g.*.rest_mb.*", "<=", 30),
    ("g.*.ready_ms.*", "<=", 200),
    ("g.*.rest_cpu_percent.*", "<=", 0.2),
]


def goal_of(name):
    """The sign and the limit of the first goal that the name fits; none: there is no goal."""
    return next(((sign, limit) for pattern, sign, limit in GOALS if fnmatch(name, pattern)), None)
