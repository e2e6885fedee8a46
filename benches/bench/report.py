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


def write(path, version, results, options, of_machine):
    """The figures as JSON."""
    content = {
        "version": version,
        "date": datetime.date.today().isoformat(),
        "machine": of_machine,
        "options": {"rounds": options.rounds, "count": options.count, "users_most": options.users_most, "note": options.note},
        "figures": results.figures,
        "errors": results.errors,
    }
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False, default=str)
        file.write("\n")
