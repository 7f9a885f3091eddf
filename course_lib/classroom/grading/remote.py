"""A submission's function as the grader sees it: it is called in the submission's kernel, and gives outputs, nothing else."""

from course_lib.classroom.grading import wire
from course_lib.classroom.practice import answers, trial
from course_lib.printable import printable

UNREADABLE = answers.Odd("wrong-type", "something that can't be read as numbers")


class Remote:
    """Stands for a function of a submission; `trial.ask` calls `answer_to`.

    Args:
        session: the `Session` in whose kernel it lives.
        name: what it is called there.
        source: the text of its cell, for the learner's own record.
    """

    def __init__(self, session, name, source):
        self.session = session
        self.name = name
        self.source = source

    def answer_to(self, inputs):
        """Call it.

        Returns:
            An `Answer`.

        Raises:
            Unattempted, Borrowed, AssertionError: as `trial.ask` does.
            OutOfTime: it did not finish in time, or its kernel died.
        """
        functions = []

        def number_of(function):
            functions.append(function)
            return len(functions) - 1

        def asked(request):
            told = wire.loads(request)
            return wire.dumps(functions[told["function"]](*told["inputs"]))

        line = self.session.call(self.name, wire.dumps(list(inputs), number_of), asked)
        try:
            told = wire.loads(line)
            ended = told["ended"]
            if ended == "unattempted":
                raise trial.Unattempted
            if ended == "borrowed":
                raise trial.Borrowed
            if ended == "time":
                self.session.call_ended = "time"
                raise trial.OutOfTime
            if ended == "mistake":
                raise AssertionError(trial.Mistake(printable(told["diagnosis"]), printable(told["message"])))
            if ended != "answered":
                return answers.Answer(UNREADABLE)
            error = None
            if "error" in told:
                lines = [printable(str(one)) for one in told["lines"]]
                error = trial.LearnerError(printable(str(told["error"])), lines, why=printable(str(told["why"])))
            changed = told["changed"]
            return answers.Answer(
                answers.checked_plain(told["value"]), error, None if changed is None else printable(str(changed))
            )
        except (wire.Unreadable, TypeError, KeyError, ValueError):
            return answers.Answer(UNREADABLE)
