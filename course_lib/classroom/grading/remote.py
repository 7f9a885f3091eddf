"""A submission's function as the grader sees it: it is called in the submission's kernel, and gives outputs, nothing else."""

from course_lib.classroom.grading import FAULT, wire
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

        return self._read(self.session.call(self.name, wire.dumps(list(inputs), number_of), asked))

    def meets(self, exercise_id):
        """Ask it for what no value shows, such as the memory that it takes; its own process measures that.

        Raises:
            AssertionError: carrying the `Mistake`.
        """
        self._read(self.session.call(self.name, wire.dumps(exercise_id), None))

    def _read(self, line):
        """What came of a call, read with suspicion."""
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
            if ended == "mistake" and told["diagnosis"] != FAULT:  # which only the grader says
                raise AssertionError(trial.Mistake(_text(told["diagnosis"], 80), _text(told["message"])))
            if ended != "answered":
                return answers.Answer(UNREADABLE)
            error = None
            if "error" in told:
                lines = [_text(one, 500) for one in told["lines"][:10]]
                error = trial.LearnerError(_text(told["error"]), lines, why=_text(told["why"]))
            changed = told["changed"]
            name = None if changed is None else _text(changed, 80)
            return answers.Answer(answers.checked_plain(told["value"]), error, name)
        except (trial.Unattempted, trial.Borrowed, trial.OutOfTime, AssertionError):
            raise
        except Exception:  # whatever else a submission sends
            return answers.Answer(UNREADABLE)


def _text(value, most=2000):
    """Text of a submission: a string, not too long, that can be printed anywhere."""
    if not isinstance(value, str):
        raise wire.Unreadable("no text")
    return printable(value[:most])
