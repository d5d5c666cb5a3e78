"""Every number of a trace file, computed again from its rows: slow, plain, in double precision.

Written from the formulas alone: x[n, s, d] is the residual stream of row n at capture point s in unit d; means and
spreads go over rows, with divisor N - 1; what is not defined is NaN and is left out of means.
"""
