"""Assembly of exam forms (组卷): a pure engine from a pool and a blueprint to verified forms or a plain reason why not.

``pool`` and ``blueprint`` read the input, ``compile`` turns rules into linear rows over classes of interchangeable
items, ``solve`` bounds, rounds and deals, ``verify`` checks every form with code of its own, ``explain`` says what is
missing, ``engine`` ties them together.
"""
