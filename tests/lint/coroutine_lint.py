#!/usr/bin/env python3
"""Finds co_await where GCC 12 compiles it to wrong code without a warning.

The rule: a co_await stands alone, as in

    co_await f(named);    auto x = co_await f(named);    co_return co_await f(named);

never in a condition, a ternary, a brace list or an argument, nor beside a lambda with captures or a braced temporary.
Also right: `for (auto& x : co_await f())` and `if (auto x = co_await f(); x)`.

Usage: coroutine_lint.py ROOT | --self-test
Reads include/, src/, examples/ and tests/ below ROOT, and the C++ blocks of README.md and docs/*.md. A block that shows
what is wrong begins with ```cpp wrong.
"""

import pathlib
import re
import sys

TOKEN = re.compile(r"""
    (?P<raw>R"(?P<delim>[^()\s\\]{0,16})\(.*?\)(?P=delim)")
  | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?P<char>(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+')
  | (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<directive>^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<number>\.?[0-9](?:[eEpP][+-]|['\w.])*)
  | (?P<operator>->\*?|::|<=>|<<=|>>=|\.\.\.|\+\+|--|<<|&&|\|\||[-+*/%&|^=!<>]=|[^\s\w])
""", re.VERBOSE | re.DOTALL | re.MULTILINE)

OPEN = {"(": ")", "[": "]", "{": "}"}
CLOSE = {")", "]", "}"}
OPERATORS = {"?", ",", "==", "!=", "<=", ">=", "<=>", "&&", "||", "+", "-", "/", "%", "+=", "-=", "^", "|"}
BLOCK_BEFORE = {")", ";", "{", "}", "else", "do", "try", "const", "noexcept", "mutable", "override", "final", ":"}


def tokens_of(text):
    """The tokens as (text, line), without comments and directives; literals become "" so that they hide nothing."""
    found = []
    for match in TOKEN.finditer(text):
        kind = match.lastgroup if match.lastgroup != "delim" else "raw"
        if kind in ("comment", "directive"):
            continue
        if match.group("raw") or kind in ("string", "char"):
            value = '""'
        else:
            value = match.group()
        found.append((value, text.count("\n", 0, match.start()) + 1))
    return found


def brackets(tokens):
    """For each bracket the index of its partner."""
    partner, stack = {}, []
    for index, token in enumerate(tokens):
        if token in OPEN:
            stack.append(index)
        elif token in CLOSE and stack:
            opener = stack.pop()
            partner[opener], partner[index] = index, opener
    return partner


def name_start(tokens, end):
    """The index where the qualified name, with template arguments, that ends at `end` begins."""
    index = end
    while index >= 0:
        if tokens[index] in (">", ">>"):
            depth = 0
            while index >= 0:
                depth += {">": 1, ">>": 2, "<": -1}.get(tokens[index], 0)
                if depth <= 0:
                    break
                index -= 1
            index -= 1
        if index >= 0 and re.match(r"\w", tokens[index]):
            if index >= 1 and tokens[index - 1] == "::":
                if index < 2 or not re.match(r"\w|>", tokens[index - 2]):
                    return index - 1
                index -= 2
                continue
        return index
    return 0


def is_lambda(tokens, partner, opener):
    """Whether the "[" at `opener` begins a lambda."""
    if tokens[opener] != "[":
        return False
    if opener + 1 < len(tokens) and tokens[opener + 1] == "[" or opener and tokens[opener - 1] == "[":
        return False  # an attribute
    before = tokens[opener - 1] if opener else ";"
    if before in (")", "]", '""') or re.match(r"\w", before) and before not in ("return", "co_return", "co_await"):
        return False
    after = partner.get(opener, len(tokens)) + 1
    return after < len(tokens) and tokens[after] in ("(", "{", "<", "mutable", "->", "noexcept")


def is_block(tokens, partner, opener):
    """Whether the "{" at `opener` begins statements; else it is a brace list."""
    if opener == 0:
        return True
    before = tokens[opener - 1]
    if before in BLOCK_BEFORE:
        return True
    if before == "]":
        return is_lambda(tokens, partner, partner.get(opener - 1, 0))
    if re.match(r"\w", before) or before in (">", ">>", "*", "&"):
        index = opener - 1
        while tokens[index] in ("*", "&", "const"):
            index -= 1
        start = name_start(tokens, index)
        lead = tokens[start - 1] if start else ";"
        return lead in ("->", "namespace", "class", "struct", "enum", "union")
    return False


def end_of(tokens, partner, index):
    """The index where the expression that begins at `index` ends: ";" or the bracket around it."""
    while index < len(tokens):
        token = tokens[index]
        if token in OPEN:
            index = partner.get(index, len(tokens))
        elif token == ";" or token in CLOSE:
            return index
        index += 1
    return len(tokens)


def awaited_problem(tokens, partner, begin, end):
    """What is wrong in the operand of a co_await."""
    index = begin
    depth_end = []
    angles = 0  # of template arguments: a comma between them is none of an expression
    while index < end:
        while depth_end and index >= depth_end[-1]:
            depth_end.pop()
        token = tokens[index]
        top = not depth_end
        angles += {"<": 1, ">": -1, ">>": -2}.get(token, 0) if top else 0
        if token == "co_await":
            return "two co_await in one expression"
        if token == "?":
            return "a ternary beside co_await"
        if top and index > begin and token in OPERATORS and not (token == "," and angles > 0):
            return f"'{token}' beside co_await: give the result a name first"
        if token == "[" and is_lambda(tokens, partner, index):
            if partner[index] > index + 1:
                return "a lambda with captures beside co_await: give it a name first"
            body = index
            while body < end and tokens[body] != "{":
                body = partner.get(body, body) + 1 if tokens[body] in OPEN else body + 1
            index = partner.get(body, end) + 1
            continue
        if token == "{":
            start = name_start(tokens, index - 1)
            if tokens[start] not in ("std", "asio") or start == index:
                return "a braced temporary beside co_await: give it a name first"
        if token in OPEN and index in partner:
            depth_end.append(partner[index])
        index += 1
    return None


def without_control(tokens, partner, begin, end):
    """Where the statement proper begins behind `if (...)`, `else`, `case x:` and the like."""
    while begin < end:
        token = tokens[begin]
        if token in ("else", "do"):
            begin += 1
        elif token in ("if", "while", "for", "switch"):
            opener = begin + 1
            while opener < end and tokens[opener] != "(":
                opener += 1
            begin = partner.get(opener, end) + 1
        elif token == "case":
            while begin < end and tokens[begin] != ":":
                begin += 1
            begin += 1
        elif begin + 1 < end and tokens[begin + 1] == ":" and re.match(r"\w", token):
            begin += 2
        else:
            break
    return begin


def problem_at(tokens, partner, here):
    """What is wrong with the co_await at index `here`, or None."""
    index = here - 1
    while index >= 0:
        token = tokens[index]
        if token in (";", "}") and not (token == "}" and not is_block(tokens, partner, partner.get(index, 0))):
            break
        if token in CLOSE:
            index = partner.get(index, 0) - 1
            continue
        if token == "[":
            return "co_await in a subscript"
        if token == "{":
            if is_block(tokens, partner, index):
                break
            return "co_await in a brace list"
        if token == "(":
            return "co_await inside an expression: give the result a name first"
        index -= 1

    begin = index + 1
    end = end_of(tokens, partner, here + 1)
    begin = without_control(tokens, partner, begin, here)
    lead = tokens[begin:here]
    if "?" in lead:
        return "a ternary beside co_await"
    if lead[:3] == ["(", "void", ")"]:
        lead = lead[3:]
    if lead and lead != ["co_return"] and lead[-1] != "=":
        return "co_await inside an expression: give the result a name first"
    if lead.count("=") > 1 or "co_await" in lead:
        return "co_await inside an expression: give the result a name first"
    return awaited_problem(tokens, partner, here + 1, end)


def head_of_control(tokens, partner, here):
    """The index of "(" when `here` stands directly in the head of an if, while, switch or for; else None."""
    index = here - 1
    while index >= 0 and tokens[index] not in OPEN:
        index = partner.get(index, 0) - 1 if tokens[index] in CLOSE else index - 1
    if index < 1 or tokens[index] != "(":
        return None
    before = tokens[index - 2] if tokens[index - 1] == "constexpr" else tokens[index - 1]
    return index if before in ("if", "while", "switch", "for") else None


def problem_in_head(tokens, partner, opener, here):
    """What is wrong with a co_await in the head of a control statement that opens at `opener`."""
    end = end_of(tokens, partner, here + 1)
    lead = tokens[opener + 1:here]
    starts_a_statement = ";" not in lead and end < len(tokens) and tokens[end] == ";" and lead and lead[-1] == "="
    goes_over_a_range = tokens[opener - 1] == "for" and lead and lead[-1] == ":"
    if (starts_a_statement or goes_over_a_range) and lead.count("=") <= 1 and "?" not in lead:
        return awaited_problem(tokens, partner, here + 1, end)
    return f"co_await in the head of '{tokens[opener - 1]}': give the result a name first"


def check(text, first_line=1):
    """All problems of a text as (line, what)."""
    pairs = tokens_of(text)
    tokens = [token for token, _ in pairs]
    partner = brackets(tokens)
    problems = []
    for index, (token, line) in enumerate(pairs):
        if token == "co_await":
            opener = head_of_control(tokens, partner, index)
            if opener is None:
                what = problem_at(tokens, partner, index)
            else:
                what = problem_in_head(tokens, partner, opener, index)
            if what:
                problems.append((line + first_line - 1, what))
    return problems


def blocks_of_markdown(text):
    """The C++ blocks of a Markdown text as (first line, block)."""
    blocks, begin, lines = [], None, text.split("\n")
    for number, line in enumerate(lines, 1):
        if begin is None and re.match(r"\s*```(cpp|c\+\+)\s*$", line):
            begin = number
        elif begin is not None and line.strip().startswith("```"):
            blocks.append((begin + 1, "\n".join(lines[begin:number - 1])))
            begin = None
    return blocks


def examples_in_comments(text):
    """The @code blocks of documentation comments as (first line, block)."""
    blocks, begin, lines = [], None, text.split("\n")
    for number, line in enumerate(lines, 1):
        comment = re.match(r"\s*///?/?\s?(.*)", line)
        if begin is None and comment and re.match(r"\s*@code", comment.group(1)):
            begin = (number, [re.sub(r".*@code(\{[^}]*\})?", "", comment.group(1)).replace("@endcode", "")])
            if "@endcode" in line:
                blocks.append((begin[0], begin[1][0]))
                begin = None
        elif begin is not None:
            if not comment or "@endcode" in line:
                blocks.append((begin[0], "\n".join(begin[1])))
                begin = None
            else:
                begin[1].append(comment.group(1))
    return blocks


def check_tree(root):
    count, problems = 0, []
    for folder in ("include", "src", "examples", "tests"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".hpp", ".ipp", ".cpp", ".h") and path.is_file():
                text = path.read_text(encoding="utf-8", errors="replace")
                if "co_await" not in text:
                    continue
                count += 1
                found = check(text)
                for first, block in examples_in_comments(text):
                    found += check(block, first)
                problems += [(path, *problem) for problem in found]
    for path in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        if path.is_file():
            for first, block in blocks_of_markdown(path.read_text(encoding="utf-8")):
                count += 1
                problems += [(path, *problem) for problem in check(block, first)]
    for path, line, what in problems:
        print(f"{path.relative_to(root)}:{line}: {what}")
    print(f"{count} files and blocks with co_await or C++, {len(problems)} problems")
    return 1 if problems else 0


GOOD = [
    "co_await f();",
    "co_await f(named, 1, std::move(x));",
    "auto x = co_await f(named);",
    "auto const [a, b] = co_await f(named);",
    "result<int> x = co_await std::move(later).wait();",
    "co_return co_await f(named);",
    "(void)co_await f();",
    "member_ = co_await f();",
    "list[3] = co_await f();",
    "if (ready) co_await f();",
    "if (ready) { auto x = co_await f(); }",
    "else co_return co_await f();",
    "for (auto& x : co_await f()) use(x);",
    "for (;;) { auto n = co_await read(buffer); if (!n) break; }",
    "if (auto x = co_await f(); x > 3) use(x);",
    "switch (n) { case 1: co_await f(); break; default: co_await g(); }",
    "try { co_await f(); } catch (...) {}",
    "auto run = [s]() -> asio::awaitable<void> { co_await f(s); };\nco_await run();",
    "co_spawn(ex, [t]() -> asio::awaitable<void> { co_await f(t); co_return; }, asio::detached);",
    "co_await wait(std::chrono::seconds{5});",
    "co_await f([](int x) { return x ? 1 : 2; });",
    "co_await f(\"if (co_await g()) {\");",
    "// if (co_await f()) {}\nco_await f(); /* g(co_await x) */",
    "asio::awaitable<verdict> check(int a) override { co_return co_await f(a); }",
    "auto later() -> ns::thing<int> { co_return co_await f(); }",
    "co_await (a || b);",
    "co_await f<int, 3>(x);",
    "point p{1, 2};\nco_await f(p);",
    "auto n = 1'000;\nco_await f(n);",
    "[] { co_await f(); };",
    "struct a { int x{}; };\nco_await f();",
]
BAD = [
    "if (co_await ok()) co_return true;",
    "if (!(co_await x())) {}",
    "if (co_await f() > 3) {}",
    "if (auto x = co_await f()) {}",
    "while (co_await f()) {}",
    "for (; co_await f();) {}",
    "switch (co_await f()) { case 1: break; }",
    "auto x = a && (co_await b());",
    "co_await f(agg{1, 2});",
    "co_await f({.a = 1});",
    "co_await f({});",
    "agg a{co_await f()};",
    "auto a = agg{co_await f()};",
    "std::vector<int> v{co_await f(), 2};",
    "co_await agg{}.coro();",
    "co_await f([s] { return s; });",
    "co_await f([&s](int) { return s; });",
    "co_await [s]() -> asio::awaitable<void> { co_return; }();",
    "co_await co_spawn(ex, [s]() -> asio::awaitable<void> { co_return; }, asio::use_awaitable);",
    "co_await (b ? f(t) : g(t));",
    "s = b ? co_await f() : t;",
    "co_await f(b ? t : u);",
    "co_return b ? co_await f() : g();",
    "g(co_await f());",
    "co_await f(co_await g());",
    "auto x = (co_await f()).member;",
    "auto x = co_await f() + 1;",
    "use(agg{1}, co_await f());",
    "REQUIRE(co_await f() == 3);",
    "list[co_await f()] = 3;",
    "do { x(); } while (co_await f());",
    "if (auto x = co_await f(agg{1}); x) {}",
    "for (auto& x : co_await f(agg{1})) {}",
    "return_value(std::move(co_await f()));",
    "if (first()) {} else if (co_await f()) {}",
    "co_return reply{co_await f()};",
]


def self_test():
    failed = 0
    for sample in GOOD:
        for text in (sample, f"asio::awaitable<void> f() {{\n{sample}\n}}"):
            found = check(text)
            if found:
                failed += 1
                print(f"refused though right: {sample!r}: {found}")
    for sample in BAD:
        for text in (sample, f"asio::awaitable<void> f() {{\n{sample}\n}}"):
            if not check(text):
                failed += 1
                print(f"taken though wrong: {sample!r}")
    if blocks_of_markdown("a\n```cpp\nx\ny\n```\n```cpp wrong\nz\n```\n") != [(3, "x\ny")]:
        failed += 1
        print("blocks of Markdown are not found")
    if examples_in_comments("/// @code\n/// a;\n/// b;\n/// @endcode\n/// @code  *f()  @endcode") != [
            (1, "\na;\nb;"), (5, "  *f()  ")]:
        failed += 1
        print("examples in comments are not found")
    print(f"{len(GOOD)} right and {len(BAD)} wrong samples, {failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(self_test() if sys.argv[1] == "--self-test" else check_tree(pathlib.Path(sys.argv[1]).resolve()))
