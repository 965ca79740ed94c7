"""The reader's journey in a terminal: what is solved and which lesson comes next. Its record can be taken along."""

from dlutils.errors import CourseError
from dlutils.exercises.progress import progress

import argparse
import sys


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m dlutils.exercises", description=__doc__)
    parser.add_argument("--export", metavar="FILE", help="write the record to a file, adding to a record that is there")
    parser.add_argument("--import", metavar="FILE", dest="take", help="add the record in a file to your own")
    options = parser.parse_args(arguments)
    try:
        progress(export_to=options.export, import_from=options.take)
    except CourseError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
