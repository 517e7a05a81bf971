"""Exam blueprints (组卷蓝图): what a form must contain, its assembly, approval and sealing."""
