"""The signs and names of the formula subset: what LaTeX calls them, and how they behave in a row."""

from __future__ import annotations

LOWER_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "vartheta": "ϑ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π",
    "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "ϕ", "varphi": "φ", "chi": "χ", "psi": "ψ",
    "omega": "ω",
}  # fmt: skip
UPPER_GREEK = {
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ",
    "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
GREEK = LOWER_GREEK | UPPER_GREEK

BINARY = {
    "times": "×", "div": "÷", "pm": "±", "mp": "∓", "cdot": "⋅", "cup": "∪", "cap": "∩", "ast": "∗", "setminus": "∖",
    "oplus": "⊕", "odot": "⊙", "wedge": "∧", "vee": "∨",
}  # fmt: skip
RELATIONS = {
    "le": "≤", "ge": "≥", "ne": "≠", "approx": "≈", "equiv": "≡", "sim": "∼", "simeq": "≃", "to": "→", "leftarrow": "←",
    "uparrow": "↑", "downarrow": "↓", "leftrightarrow": "↔", "Rightarrow": "⇒", "Leftrightarrow": "⇔",
    "longrightarrow": "⟶", "rightleftharpoons": "⇌", "in": "∈", "notin": "∉", "subset": "⊂", "subseteq": "⊆",
    "perp": "⊥", "parallel": "∥", "propto": "∝", "ll": "≪", "gg": "≫", "cong": "≅", "mid": "∣",
}  # fmt: skip
ORDINARY = {
    "infty": "∞", "partial": "∂", "nabla": "∇", "angle": "∠", "triangle": "△", "circ": "∘", "degree": "°", "ldots": "…",
    "cdots": "⋯", "vdots": "⋮", "therefore": "∴", "because": "∵", "forall": "∀", "exists": "∃", "neg": "¬",
    "emptyset": "∅", "square": "□", "backslash": "\\", "hbar": "ℏ", "ell": "ℓ", "prime": "′",
}  # fmt: skip
BIG = {"sum": "∑", "prod": "∏", "int": "∫", "iint": "∬", "oint": "∮", "bigcup": "⋃", "bigcap": "⋂"}
SYNONYMS = {
    "leq": "le", "leqslant": "le", "geq": "ge", "geqslant": "ge", "neq": "ne", "rightarrow": "to", "gets": "leftarrow",
    "implies": "Rightarrow", "iff": "Leftrightarrow", "dots": "ldots", "land": "wedge", "lor": "vee", "lnot": "neg",
    "varnothing": "emptyset", "dfrac": "frac", "tfrac": "frac", "widehat": "hat", "widetilde": "tilde",
    "textrm": "text", "textnormal": "text", "mbox": "text", "Vert": "|", "lVert": "|", "rVert": "|", "lvert": "vert",
    "rvert": "vert", "lbrace": "{", "rbrace": "}",
}  # fmt: skip
"""Other names of what the tree holds once; our own LaTeX uses the name on the right."""

ESCAPED = {"%": "%", "#": "#", "&": "&", "$": "$", "_": "_", "{": "{", "}": "}", "|": "‖", "vert": "|"}
PLAIN = {
    "=": "rel", "<": "rel", ">": "rel", ":": "rel", "：": "rel", "+": "bin", "−": "bin", "-": "bin", "*": "bin", "·": "bin",
    "(": "open", "[": "open", "）": "close", "（": "open", ")": "close", "]": "close", ",": "punct", ";": "punct",
    "，": "punct", "；": "punct", "、": "punct", "|": "ord", "/": "ord", "!": "ord", "?": "ord", "@": "ord", '"': "ord",
    "`": "ord",
}  # fmt: skip
"""Signs that stand for themselves, and their class."""

SAME_SIGN = {"-": "−", "·": "⋅", "*": "∗", "∶": ":", "⩽": "≤", "⩾": "≥", "≦": "≤", "≧": "≥"}
"""Signs that files write for one of ours."""

SPACES = {
    ",": "\u2009", ":": "\u205f", ";": "\u2005", " ": "\u2002", "enspace": "\u2002", "quad": "\u2003",
    "qquad": "\u2003\u2003", "thinspace": "\u2009", "enskip": "\u2002",
}  # fmt: skip
SPACE_NAMES = {"\u2009": r"\,", "\u205f": r"\:", "\u2005": r"\;", "\u2002": r"\ ", "\u2003": r"\quad"}

FUNCTIONS = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "arcsin",
        "arccos",
        "arctan",
        "arg",
        "sinh",
        "cosh",
        "tanh",
        "coth",
        "tg",
        "ctg",
        "arctg",
        "arcctg",
        "sh",
        "ch",
        "th",
        "ln",
        "log",
        "lg",
        "exp",
        "lim",
        "max",
        "min",
        "sup",
        "inf",
        "det",
        "dim",
        "gcd",
        "deg",
        "ker",
        "Pr",
    ]
)
BELOW = frozenset({"lim", "max", "min", "sup", "inf", "det", "gcd", "Pr"})
"""Functions whose index stands below them."""

ACCENTS = {
    "bar": "\u0304", "hat": "\u0302", "tilde": "\u0303", "dot": "\u0307", "ddot": "\u0308", "vec": "\u20d7",
    "check": "\u030c",
}  # fmt: skip
LINES = {"overline": "top", "underline": "bottom"}
FENCES = {
    "(": "(", ")": ")", "[": "[", "]": "]", r"\{": "{", r"\}": "}", "|": "|", r"\|": "‖", r"\langle": "⟨",
    r"\rangle": "⟩", r"\lfloor": "⌊", r"\rfloor": "⌋", r"\lceil": "⌈", r"\rceil": "⌉", "/": "/", ".": "",
    r"\lbrack": "[", r"\rbrack": "]",
}  # fmt: skip
FENCE_NAMES = {sign: name for name, sign in FENCES.items() if "brack" not in name}
ARROW_OVER = "overrightarrow"
GRIDS = {
    "matrix": ("", ""), "pmatrix": ("(", ")"), "bmatrix": ("[", "]"), "vmatrix": ("|", "|"), "Bmatrix": ("{", "}"),
}  # fmt: skip
LINE_GRIDS = frozenset({"aligned", "align", "align*", "split", "gathered"})
IGNORED = frozenset(
    {"displaystyle", "textstyle", "limits", "nolimits", "!", "big", "Big", "bigg", "Bigg", "bigl", "bigr"}
)
ARROWS = {"xrightarrow": "→", "xleftarrow": "←"}

NAMED: dict[str, tuple[str, str]] = (
    {name: (sign, "bin") for name, sign in BINARY.items()}
    | {name: (sign, "rel") for name, sign in RELATIONS.items()}
    | {name: (sign, "ord") for name, sign in ORDINARY.items()}
    | {name: (sign, "big") for name, sign in BIG.items()}
    | {name: (sign, "open") for name, sign in (("langle", "⟨"), ("lfloor", "⌊"), ("lceil", "⌈"))}
    | {name: (sign, "close") for name, sign in (("rangle", "⟩"), ("rfloor", "⌋"), ("rceil", "⌉"))}
)
"""What a command without arguments stands for: the sign and its class."""

CLASS_OF: dict[str, str] = dict(NAMED.values()) | PLAIN | {"∗": "bin", "′": "ord", "‖": "ord"}
CLASS_OF |= {sign: "ord" for sign in ESCAPED.values() if sign not in CLASS_OF} | {"{": "open", "}": "close"}
LATEX_OF = {sign: f"\\{name}" for name, (sign, _) in NAMED.items()} | {
    sign: f"\\{name}" for name, sign in ESCAPED.items() if name != "vert"
} | {"−": "-", "∗": "*", "′": "'", "|": "|"}  # fmt: skip
GREEK_NAMES = {sign: f"\\{name}" for name, sign in GREEK.items()}
