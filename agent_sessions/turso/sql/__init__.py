"""SQL expressions that replace the Python functions of Django's SQLite backend.

A server cannot call Python functions. This room imports neither `driver` nor the modules above;
Django's compilers call compiler.py, and operations.py calls the rest. Read in this order:

    formula                  SQL with named arguments that are SQL themselves
    datetimes durations      dates and times, taken apart, truncated, added and subtracted
    zones                    time zones, as the offsets that Python knows
    functions compiler       the ORM's functions and aggregates, found by an expression's class
"""
