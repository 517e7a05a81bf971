"""Item and test analysis of response sheets, and scoring of sheets against item files; no database."""
