#include "page_style.hpp"

namespace orrery::report {

const char* const page_style = R"css(
:root {
  color-scheme: light dark;
  --paper: #ffffff; --text: #1b1f24; --faint: #57606a; --line: #d0d7de; --shade: #f6f8fa; --link: #0550ae;
  --good: #116329; --bad: #a40e26; --open: #7d4e00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12161b; --text: #e6edf3; --faint: #9ba6b2; --line: #3a424c; --shade: #1c222a; --link: #79b8ff;
    --good: #56d364; --bad: #ff938a; --open: #e3b341;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1rem; max-width: 72rem; background: var(--paper); color: var(--text);
  font: 1rem/1.55 system-ui, "Liberation Sans", Arial, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.35rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.1rem; margin: 1.75rem 0 .5rem; }
h4 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
p { margin: .4rem 0; max-width: 46rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; padding: .5rem 1rem; background: var(--paper); z-index: 1; }
.kind, .run { color: var(--faint); font-size: .9rem; }
nav ul, .files { list-style: none; padding: 0; margin: .75rem 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
nav a, .files a { display: inline-block; padding: .2rem 0; }
.files { font-size: .9rem; gap: 0 1rem; }
.contents { columns: 18rem; padding-left: 1.8rem; }
.notes { color: var(--faint); font-size: .9rem; padding-left: 1.2rem; max-width: 48rem; }
.scroll { overflow-x: auto; margin: .75rem 0; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .5rem .75rem; color: var(--faint); }
th, td {
  text-align: left; vertical-align: top; padding: .35rem .6rem; border-top: 1px solid var(--line);
  overflow-wrap: normal;
}
td { white-space: nowrap; }
th[scope=col] { background: var(--shade); font-weight: 600; }
th[scope=row] { font-weight: 500; min-width: 8rem; }
th.beside { padding-left: 1.75rem; font-weight: 400; color: var(--faint); }
.name { color: var(--faint); display: block; font-size: .85rem; }
.verdict { font-weight: 600; }
.agrees { color: var(--good); }
.does-not { color: var(--bad); }
.undecided { color: var(--open); }
.not-measured { color: var(--faint); font-weight: 400; }
figure { margin: 1.5rem 0 2.5rem; }
figure h3 { margin: 0 0 .5rem; }
.picture {
  overflow-x: auto; background: #ffffff; color: #000000; border: 1px solid var(--line); border-radius: 6px;
  padding: .25rem;
}
.picture svg { display: block; width: 100%; height: auto; margin: 0 auto; }
@media (min-width: 60rem) {
  .narrow { display: grid; grid-template-columns: minmax(0, 31rem) minmax(0, 1fr); gap: 0 1.5rem; align-items: start; }
  .narrow h3 { grid-column: 1 / -1; }
}
dl { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0 1rem; font-size: .9rem; margin: .5rem 0; }
dt { color: var(--faint); }
dd { margin: 0 0 .4rem; }
@media (min-width: 40rem) {
  dl { grid-template-columns: minmax(9rem, auto) minmax(0, 1fr); }
  dd { margin-bottom: .1rem; }
}
summary { cursor: pointer; padding: .3rem 0; }
pre { overflow-x: auto; padding: .75rem; background: var(--shade); border-radius: 6px; font-size: .85rem; }
@page { margin: 15mm; }
@media print {
  :root {
    color-scheme: light;
    --paper: #ffffff; --text: #000000; --faint: #444444; --line: #aaaaaa; --shade: #ffffff; --link: #000000;
    --good: #004d1a; --bad: #7a0014; --open: #5c3a00;
  }
  html { font-size: 9.5pt; }
  body { max-width: none; padding: 0; }
  nav, .skip, .contents { display: none; }
  h1, h2, h3, h4, caption, thead { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  .scroll, .picture { overflow: visible; border: 0; padding: 0; }
  .picture svg { min-width: 0 !important; }
  table { font-size: 7.5pt; }
  th, td { padding: .2em .5em; min-width: 0 !important; white-space: normal; }
}
)css";

}  // namespace orrery::report
