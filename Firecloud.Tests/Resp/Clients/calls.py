"""Plays calls.json with Python's redis client against one server: calls.py PORT."""
import json
import pathlib
import sys

import redis


def plain(answer):
    """What the client makes of an answer, as the file has it."""
    return [plain(each) for each in answer] if isinstance(answer, (list, tuple)) else answer


def fits(answer, expected):
    """The client turns OK and PONG into True, and numbers with a fraction into floats."""
    return plain(answer) == expected or (answer is True and expected in ("OK", "PONG"))


def run(client, step):
    if "raw" in step:
        return client.execute_command(*step["raw"])
    if "pipeline" in step:
        with client.pipeline(transaction=False) as pipe:
            for words in step["pipeline"]:
                pipe.execute_command(*words)
            return pipe.execute()
    name, *arguments = step["call"]
    if name == "scan":
        return sorted(client.scan_iter(match="c:*", count=3))
    if arguments and isinstance(arguments[0], list) and name != "mget":
        arguments = arguments[0]
    return getattr(client, {"del": "delete"}.get(name, name))(*arguments, **step.get("options", {}))


def main():
    client = redis.Redis(port=int(sys.argv[1]), decode_responses=True)
    steps = json.loads(pathlib.Path(__file__).with_name("calls.json").read_text(encoding="utf-8"))
    for step in steps:
        try:
            answer = run(client, step)
        except redis.ResponseError as e:
            # The client takes the word ERR off.
            assert "error" in step and step["error"].removeprefix("ERR ") in str(e), f"{step}: {e}"
            continue
        expected = step.get("answers", step.get("keys", step.get("answer")))
        both = zip(answer, expected) if "pipeline" in step else [(answer, expected)]
        assert "error" not in step and all(fits(a, e) for a, e in both), f"{step}: {answer!r}"
    client.close()
    print(f"{len(steps)} steps played by redis-py {redis.__version__}")


main()
