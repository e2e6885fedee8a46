"""The goals: the name of a figure, and what its median must be."""

GOALS = {
    "a.postgres.daemon_per_smtp_source": (">=", 0.7),
    "a.sqlite.daemon_per_smtp_source": (">=", 0.7),
    "b.daemon_per_django_post_office.default": (">=", 15),
    "b.daemon_per_django_post_office.tuned": (">=", 15),
    "b.daemon_per_nodemailer.default": (">=", 10),
    "b.daemon_per_nodemailer.tuned": (">=", 10),
    "c.postgres.100k.flip_per_update": ("<=", 1.25),
    "c.postgres.1m.flip_per_update": ("<=", 1.5),
    "c.sqlite.100k.flip_per_update": ("<=", 1.25),
    "c.sqlite.1m.flip_per_update": ("<=", 1.5),
    "e.postgres.1m.expand_per_insert": ("<=", 1.3),
    "e.sqlite.1m.expand_per_insert": ("<=", 1.3),
    "f.1m.import_per_copy": ("<=", 3),
}
