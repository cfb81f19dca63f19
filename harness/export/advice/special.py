"""Functions that importers do not have, by those that they have."""

from __future__ import annotations

from harness.export.advice.ways import Code, Way


def _text(text: str) -> Code:
    return lambda _: text


def _small(what: str, two: str, three: str) -> Code:
    """Return code for square matrices of two and three rows, by the size of what it is given."""
    return _text(f"""
        def replacement(x):
            rows = [[x[..., i, j] for j in range(x.shape[-1])] for i in range(x.shape[-1])]
            if len(rows) == 2:
                (a, b), (c, d) = rows
                return {two}
            if len(rows) != 3:
                raise ValueError(f"{what} of {{len(rows)}} rows has no short formula")
            (a, b, c), (d, e, f), (g, h, i) = rows
            return {three}
    """)


_POLYNOMIAL = """
        def polynomial(t, coefficients):
            value = coefficients[0]
            for coefficient in coefficients[1:]:
                value = value * t + coefficient
            return value
"""

WAYS = (
    Way(
        name="special/erfinv-polynomials",
        says="use Giles' two polynomials (2012) for the inverse error function",
        operation="Erfinv",
        code=_text(
            _POLYNOMIAL
            + """
        def replacement(x):
            w = -ops.log((1.0 - x) * (1.0 + x))
            near = polynomial(w - 2.5, [2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06,
                                        0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941])
            far = polynomial(ops.sqrt(ops.maximum(w, 5.0)) - 3.0,
                             [-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                              -0.0076224613, 0.00943887047, 1.00167406, 2.83297682])
            return x * ops.where(w < 5.0, near, far)
        """
        ),
        bar=1e-5,
    ),
    Way(
        name="special/bessel-i0-polynomials",
        says="use the polynomials of Abramowitz and Stegun (9.8.1, 9.8.2) for the Bessel function",
        operation="BesselI0",
        code=_text(
            _POLYNOMIAL
            + """
        def replacement(x):
            size = ops.abs(x)
            t = ops.minimum(size, 3.75) / 3.75
            near = polynomial(t * t, [0.0045813, 0.0360768, 0.2659732, 1.2067492, 3.0899424, 3.5156229, 1.0])
            large = ops.maximum(size, 3.75)
            far = polynomial(3.75 / large, [0.00392377, -0.01647633, 0.02635537, -0.02057706, 0.00916281,
                                            -0.00157565, 0.00225319, 0.01328592, 0.39894228])
            return ops.where(size < 3.75, near, far * ops.exp(large) / ops.sqrt(large))
        """
        ),
        bar=1e-6,
    ),
    Way(
        name="special/bessel-i1-polynomials",
        says="use the polynomials of Abramowitz and Stegun (9.8.3, 9.8.4) for the Bessel function",
        operation="BesselI1",
        code=_text(
            _POLYNOMIAL
            + """
        def replacement(x):
            size = ops.abs(x)
            t = ops.minimum(size, 3.75) / 3.75
            near = size * polynomial(t * t, [0.00032411, 0.00301532, 0.02658733, 0.15084934,
                                             0.51498869, 0.87890594, 0.5])
            large = ops.maximum(size, 3.75)
            far = polynomial(3.75 / large, [-0.00420059, 0.01787654, -0.02895312, 0.02282967, -0.01031555,
                                            0.00163801, -0.00362018, -0.03988024, 0.39894228])
            return ops.sign(x) * ops.where(size < 3.75, near, far * ops.exp(large) / ops.sqrt(large))
        """
        ),
        bar=1e-6,
    ),
    Way(
        name="special/lgamma-series",
        says="use Lanczos' series for the logarithm of the gamma function (of positive numbers)",
        operation="Lgamma",
        code=_text("""
        def replacement(x):
            series = 0.99999999999980993
            weights = [676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
                       12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7]
            for step, weight in enumerate(weights):
                series = series + weight / (x + float(step))
            t = x + 6.5
            return 0.9189385332046727 + (x - 0.5) * ops.log(t) - t + ops.log(series)
        """),
        bar=1e-4,
    ),
    Way(
        name="special/digamma-series",
        says="use the asymptotic series for the digamma function, six steps up (for positive numbers)",
        operation="Digamma",
        code=_text("""
        def replacement(x):
            below = 0.0
            for step in range(6):
                below = below + 1.0 / (x + float(step))
            y = 1.0 / (x + 6.0)
            series = y * y * (1 / 12 - y * y * (1 / 120 - y * y / 252))
            return ops.log(x + 6.0) - 0.5 * y - series - below
        """),
        bar=1e-5,
    ),
    Way(
        name="special/determinant-formula",
        says="multiply the determinant of 2 x 2 and 3 x 3 matrices out",
        operation="MatrixDeterminant",
        code=_small(
            "a determinant", "a * d - b * c", "a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)"
        ),
    ),
    Way(
        name="special/inverse-formula",
        says="invert 2 x 2 and 3 x 3 matrices by their cofactors",
        operation="MatrixInverse",
        code=_text("""
        def replacement(x):
            n = x.shape[-1]
            rows = [[x[..., i, j] for j in range(n)] for i in range(n)]
            if n == 2:
                (a, b), (c, d) = rows
                cofactors, determinant = [d, -b, -c, a], a * d - b * c
            elif n == 3:
                (a, b, c), (d, e, f), (g, h, i) = rows
                cofactors = [e * i - f * h, c * h - b * i, b * f - c * e, f * g - d * i, a * i - c * g,
                             c * d - a * f, d * h - e * g, b * g - a * h, a * e - b * d]
                determinant = a * cofactors[0] + b * cofactors[3] + c * cofactors[6]
            else:
                raise ValueError(f"an inverse of {n} rows has no short formula")
            flat = ops.stack(cofactors, axis=-1) / ops.expand_dims(determinant, -1)
            return ops.reshape(flat, (-1, *x.shape[1:]))
        """),
    ),
    Way(
        name="special/cumsum-matrix",
        says="multiply by a triangular matrix (along the last axis)",
        of=("Cumsum",),
        code=lambda maker: (
            None
            if maker.axis != -1
            else """
            def replacement(x):
                n = x.shape[-1]
                return ops.matmul(x, np.triu(np.ones((n, n), "float32")))
        """
        ),
    ),
)
