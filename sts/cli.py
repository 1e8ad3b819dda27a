"""The commands: one table, and a parser that is made from each command's signature.

A command is a typed function with a Google-style docstring. Its parameters become flags, their
defaults and descriptions are read from the signature and the docstring, and a parameter whose
type is a dataclass contributes each of its fields. `--config run.yaml` fills the same fields.
"""

import importlib
import inspect
import os
import signal
import sys
import types
import typing
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from sts.bundled import ScorerPath, scorer_folder
from sts.errors import StsError


@dataclass(frozen=True)
class Command:
    """Where a command's function lives (`module:function`), what it does in a line, and what else sets its options."""

    target: str
    summary: str
    # of the environment variables that set its options too; none where it has none
    environment: str = ""


# a name of two words is a command and its subcommand: `python -m sts.pairs report`, `sts pairs report`
COMMANDS = {
    "pairs report": Command("sts.pairs.report_command:report", "look at a set of pairs, alone or against another"),
    "pairs convert": Command(
        "sts.pairs.convert_command:convert", "write pairs with labels from 0 to 5, whatever they were written in"
    ),
    "pairs weak": Command(
        "sts.pairs.weak_command:weak", "write pairs with a range of scores, from NLI, paraphrases or duplicates"
    ),
    "text corrections": Command(
        "sts.text.corrections_command:report_corrections", "count what spelling or spacing correction would change"
    ),
    "text compare": Command("sts.text.compare_command:compare_analysers", "compare morphological analysers"),
    "augment": Command("sts.augment.command:augment", "make more training pairs"),
    "train": Command("sts.train.command:train", "train a scorer on sentence pairs"),
    "tune": Command("sts.tune.command:tune", "search a training's settings, and train with the best ones"),
    "evaluate": Command("sts.evaluate.command:evaluate", "measure a scorer, or a file of predictions"),
    "search build": Command("sts.search.command:build", "make an index of sentences"),
    "search add": Command("sts.search.command:add", "add sentences to an index"),
    "search delete": Command("sts.search.command:delete", "delete sentences from an index"),
    "search query": Command("sts.search.command:query", "find similar sentences"),
    "search duplicates": Command("sts.search.duplicates_command:duplicates", "find pairs that mean nearly the same"),
    "search info": Command("sts.search.command:info", "tell what an index is, and check its files"),
    "models info": Command("sts.models.info_command:info", "tell what a scorer is, and how fast"),
    "export": Command("sts.export.command:export", "make a scorer small and fast"),
    "serve": Command("sts.serve.command:serve", "serve scores and search over HTTP, with a web page", "STS"),
    "score": Command("sts.score:score", "score two sentences, or a file of pairs"),
}


def main(name: str | None = None, arguments: Sequence[str] | None = None) -> typing.NoReturn:
    """Run the command `name` (or the one that `arguments` begin with) and exit.

    Args:
        name: a command, or the first word of several; None reads it from the first argument.
        arguments: the words after the command; None means those of the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    program = "sts" if name is None else f"python -m sts.{name}"
    while name not in COMMANDS:
        choices = {
            command: entry for command, entry in COMMANDS.items() if name is None or command.startswith(f"{name} ")
        }
        if not words or words[0] in ("-h", "--help"):
            print(_overview(program, name, choices))
            sys.exit(0 if words else 2)
        word = words.pop(0)
        name = word if name is None else f"{name} {word}"
        if not any(f"{command} ".startswith(f"{name} ") for command in choices):
            sys.exit(f"{program}: unknown command '{word}'; commands are {', '.join(choices)}")
        program += f" {word}"
    for stream in (sys.stdin, sys.stdout, sys.stderr):  # Korean must not depend on the locale
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(
                encoding="utf-8", errors="surrogateescape" if stream is sys.stdin else "backslashreplace"
            )
    warnings.formatwarning = lambda message, *_, **__: f"{program}: warning: {message}\n"
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # so that what is half written is removed, as after Ctrl-C
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    module, _, function = COMMANDS[name].target.partition(":")
    sys.exit(run(getattr(importlib.import_module(module), function), program, words, COMMANDS[name].environment))


def run(command: Callable[..., None], program: str, arguments: Sequence[str], environment: str = "") -> int:
    """Parse `arguments` for `command`, call it, and turn its errors into an exit code.

    Returns:
        0 on success, 2 for a mistake or a failing system that the message explains, 130 after Ctrl-C or SIGTERM.
    """
    debug = "--debug" in arguments
    parser = make_parser(command, program, environment)
    namespace = parser.parse_args([word for word in arguments if word != "--debug"])
    values = vars(namespace)
    try:
        bound = bind(command, values)
        command(*bound.args, **bound.kwargs)
    except StsError as error:
        if debug:
            raise
        print(f"{program}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        if debug:
            raise
        print(f"{program}: stopped", file=sys.stderr)
        # An interrupt inside an `exec` of text (an import that makes a dataclass) leaves a mark by which CPython ends
        # the process with the signal, whatever its exit code; the next `exec` takes the mark away.
        exec("")
        return 130
    except BrokenPipeError:  # `… | head` has read enough; what is still buffered goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a place that can't be written, a full disk
        if debug or error.strerror is None:
            raise
        print(f"{program}: {error.filename or 'the system'}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def make_parser(command: Callable[..., None], program: str, environment: str = "") -> Any:
    """Make the parser of `command` from its signature and docstring.

    Args:
        command: the function.
        program: what its messages begin with.
        environment: what the names of environment variables that set its options begin with; empty: none do.

    Returns:
        A `jsonargparse.ArgumentParser`; `sentence1`-like parameters marked positional-only in the
        signature become optional positional arguments, all others become `--flags`.
    """
    from jsonargparse import ArgumentParser

    documentation = _documentation(command)
    parser = ArgumentParser(
        prog=program,
        description=documentation[""],
        exit_on_error=True,
        default_env=bool(environment),
        env_prefix=environment or True,
    )
    parser.add_argument("--config", action="config", help="YAML file that sets any of the options below")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    for parameter in inspect.signature(command).parameters.values():
        if is_dataclass(parameter.annotation):
            described = _documentation(parameter.annotation)
            group = parser.add_argument_group(described[""].removesuffix("."))
            for field in fields(parameter.annotation):
                hint = typing.get_type_hints(parameter.annotation)[field.name]
                default = str(field.default) if isinstance(field.default, Path) else field.default
                _add(group, field.name, hint, default, described[field.name])
        else:
            default = MISSING if parameter.default is parameter.empty else parameter.default
            default = str(default) if isinstance(default, Path) else default
            if parameter.kind is parameter.POSITIONAL_ONLY:
                parser.add_argument(
                    parameter.name, nargs="?", type=str, default=default, help=documentation[parameter.name]
                )
            else:
                _add(parser, parameter.name, parameter.annotation, default, documentation[parameter.name])
    return parser


def _add(parser: Any, name: str, hint: Any, default: Any, text: str) -> None:
    flag = "--" + name.replace("_", "-")
    options: dict[str, Any] = {"help": text}
    if hint is bool:
        options["action"] = "store_true"
    else:
        options["required"] = default is MISSING
        if default is not MISSING:
            options["default"] = default
        item = _list_item(hint)
        # a path is parsed as text, for jsonargparse's help would show Python's class
        plain: Any = hint
        if path := _path_type(hint):
            plain = str if path in (hint, item) else str | None
        elif item:
            plain = item
        options |= {"type": plain} | ({"nargs": "+"} if item else {})
    parser.add_argument(flag, **options)


def _path_type(hint: Any) -> Any:
    """`Path` or `ScorerPath` where a type is of it, of lists of it, or of it or None; else None."""
    parts = (hint, *typing.get_args(hint), _list_item(hint))
    return next((kind for kind in (Path, ScorerPath) if kind in parts), None)


def _list_item(hint: Any) -> Any:
    """The item type of `list[X]` or `list[X] | None`, else None."""
    choices = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for choice in choices:
        if typing.get_origin(choice) is list:
            return typing.get_args(choice)[0]
    return None


def _documentation(component: Any) -> dict[str, str]:
    """A component's summary (key "") and the description of each of its parameters."""
    from docstring_parser import parse

    docstring = parse(component.__doc__ or "")
    described = {parameter.arg_name: parameter.description or "" for parameter in docstring.params}
    return described | {"": docstring.short_description or ""}


def bind(command: Callable[..., None], values: dict[str, Any]) -> inspect.BoundArguments:
    """Sort parsed values to the command's parameters, filling its dataclasses."""
    signature = inspect.signature(command)
    bound = inspect.BoundArguments(signature, OrderedDict())
    for parameter in signature.parameters.values():
        hint: Any = parameter.annotation
        if is_dataclass(hint):
            hints = typing.get_type_hints(hint)
            value = typing.cast("Callable[..., Any]", hint)(
                **{entry.name: _as_path(hints[entry.name], values[entry.name]) for entry in fields(hint)}
            )
        else:
            value = _as_path(parameter.annotation, values[parameter.name])
        bound.arguments[parameter.name] = value
    return bound


def _as_path(hint: Any, value: Any) -> Any:
    """Text as a path, or texts as paths, where the parameter's type says so; scorers may have names."""
    kind = _path_type(hint)
    if value is None or kind is None:
        return value
    if value == "" and type(None) in typing.get_args(hint):  # a variable of the environment that is there and empty
        return None
    path: Callable[[Any], Path] = scorer_folder if kind is ScorerPath else Path
    return [path(item) for item in value] if _list_item(hint) else path(value)


def _overview(program: str, prefix: str | None, choices: dict[str, Command]) -> str:
    start = 0 if prefix is None else len(prefix) + 1
    rows = "\n".join(f"  {name[start:]:<18} {command.summary}" for name, command in choices.items())
    return (
        f"usage: {program} COMMAND [options]\n\n"
        f"Korean sentence similarity: see, train, measure and use.\n\n{rows}\n\n"
        f"'{program} COMMAND --help' shows a command's options."
    )
