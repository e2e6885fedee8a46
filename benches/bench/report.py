"""What the bench leaves behind: a table for people, and a file for programs."""

import datetime
import json
import os
import platform


def machine(server_version):
    """What the figures depend on; nothing that tells whose machine it is."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    with open("/proc/meminfo", encoding="utf-8") as file:
        kilobytes = int(file.readline().split()[1])
    return {
        "cores": os.cpu_count(),
        "cpu": models[0] if models else platform.machine(),
        "memory_gb": round(kilobytes / 1024 / 1024, 1),
        "kernel": platform.release(),
        "postgresql": server_version,
        "load_at_start": os.getloadavg()[0],
    }


def table(results):
    """The figures with their goals, aligned."""
    rows = [("figure", "median", "from", "to", "unit", "goal", "")]
    for name, figure in results.figures.items():
        numbers = [number(figure[key]) for key in ("median", "min", "max")]
        met = {None: "", True: "met", False: "MISSED"}[figure.get("met")]
        rows.append((name, *numbers, figure["unit"], figure.get("goal", ""), met))
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    right = {1, 2, 3}
    lines = []
    for row in rows:
        cells = [cell.rjust(width) if column in right else cell.ljust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    lines.extend(f"FAILED  {name}: {error}" for name, error in results.errors.items())
    return "\n".join(lines)


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


class Report:
    """The file of one version: measurements by their letters, each with the conditions it was made under.

    It is written after each measurement, and those not made again stay: a long bench can be run in pieces.
    """

    def __init__(self, path, version, of_machine, options):
        self.path = os.path.abspath(path) if path else None
        self.version = version
        self.conditions = {
            "machine": of_machine,
            "options": {"rounds": options.rounds, "count": options.count, "users_most": options.users_most,
                        "stores": options.stores, "note": options.note},
        }

    def take(self, name, results):
        """Puts in what one measurement found."""
        if not self.path:
            return
        measurements = self.of_before()
        measurements[name] = {
            "date": datetime.date.today().isoformat(),
            **self.conditions,
            "load_at_end": os.getloadavg()[0],
            "figures": {figure: values for figure, values in results.figures.items() if results.made_by[figure] == name},
            "errors": {of: error for of, error in results.errors.items() if of.split()[0].rstrip(":") == name},
        }
        content = {"version": self.version, "measurements": dict(sorted(measurements.items()))}
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, ensure_ascii=False)
            file.write("\n")

    def of_before(self):
        """The measurements of this version that the file has."""
        if not os.path.exists(self.path):
            return {}
        with open(self.path, encoding="utf-8") as file:
            content = json.load(file)
        return content["measurements"] if content["version"] == self.version else {}
