"""Compares the answers that infrahub-mock and a live Infrahub give to steps.py.

    clients.py MOCK

MOCK is the program infrahub-mock. If INFRAHUB_ADDRESS is set, the live server there is asked first, and its answers are
written to answers.jsonl. Otherwise those that are there are compared. Fails if a step differs that differences.json does
not explain, or if one that it explains does not differ.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ANSWERS, DIFFERENCES = HERE / "answers.jsonl", HERE / "differences.json"
MOCK_TOKEN = "11111111-2222-4333-8444-555555555555"


def ask(address, token, **settings):
    """Returns the answers of a server by step, and how long all took."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INFRAHUB_")}
    environment |= {"INFRAHUB_ADDRESS": address, "INFRAHUB_API_TOKEN": token, **settings}
    run = subprocess.run([sys.executable, HERE / "steps.py"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    if run.returncode:
        raise SystemExit(f"steps.py failed after {len(lines)} steps:\n{run.stderr[-4000:]}")
    return {line["step"]: line["answer"] for line in lines}, sum(line["seconds"] for line in lines)


def ask_mock(program):
    mock = subprocess.Popen([program, "--listen", "127.0.0.1:0", "--delay", "none"], stdout=subprocess.PIPE, text=True)
    try:
        address = next(found[0] for line in mock.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        return ask(address, MOCK_TOKEN)
    finally:
        mock.terminate()
        mock.wait()


def read_answers():
    return {line["step"]: line["answer"] for line in map(json.loads, ANSWERS.read_text().splitlines())}


def write_answers(answers):
    lines = [json.dumps({"step": step, "answer": answer}, ensure_ascii=False, sort_keys=True) for step, answer in answers.items()]
    ANSWERS.write_text("\n".join(lines) + "\n")


def compare(live, mock):
    """Prints what differs, and returns how many steps differ without an explanation, or have one without need."""
    reasons = json.loads(DIFFERENCES.read_text())
    different = [step for step in live if live[step] != mock.get(step)]
    wrong = 0
    for step in different:
        print(f"  {step}: {reasons.get(step, 'DIFFERS, and differences.json does not say why')}")
        if step not in reasons:
            wrong += 1
            print(f"    server: {json.dumps(live[step], ensure_ascii=False)}\n    mock:   {json.dumps(mock.get(step), ensure_ascii=False)}")
    for step in sorted(reasons.keys() - different):
        wrong += 1
        print(f"  {step}: IS THE SAME, and differences.json says why it differs")
    if unasked := [step for step in mock if step not in live]:
        print(f"{len(unasked)} steps were not asked of a live server yet, of which the mock refuses {sum('error' in str(mock[s]) for s in unasked)}")
    print(f"{len(live)} steps: {len(live) - len(different)} same, {len(different)} different, {wrong} of them unexplained")
    return wrong


def main():
    if address := os.environ.get("INFRAHUB_ADDRESS"):
        live, seconds = ask(
            address.rstrip("/"), os.environ["INFRAHUB_API_TOKEN"], INFRAHUB_PASSWORD=os.environ.get("INFRAHUB_PASSWORD", "infrahub")
        )
        write_answers(live)
        print(f"The live server answered {len(live)} steps in {seconds:.0f} s.")
    else:
        live = read_answers()
    mock, seconds = ask_mock(sys.argv[1])
    print(f"The mock answered {len(mock)} steps in {seconds:.0f} s.")
    sys.exit(compare(live, mock) > 0)


if __name__ == "__main__":
    main()
