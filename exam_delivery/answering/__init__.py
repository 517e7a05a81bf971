"""Answering is a small program of its own: the candidate API without ORM, templates or Flask.

Requests that only read use a connection of their thread. Everything that writes becomes a command for the process's one writer,
which takes all commands that wait, carries them out in one transaction and answers only after its commit is durable.
"""
