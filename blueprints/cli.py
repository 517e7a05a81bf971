"""Commands of blueprints."""

from blueprints.assembly.command import assemble_command as assemble

commands = [assemble]
