"""The one exception that the helpers raise on purpose."""


class CourseError(Exception):
    """Something that the reader can mend; the message names what was wrong and what to do."""
