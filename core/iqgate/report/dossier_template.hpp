#pragma once
// The dossier's page, as a Mustache template: one self-contained file, no script, nothing fetched. Values are escaped.

namespace iqgate::report {

inline constexpr const char* dossier_template = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>iqgate dossier: {{answer}}</title>
<style>
@page { size: A4; margin: 16mm 14mm; @bottom-right { content: "page " counter(page) " of " counter(pages); font: 9pt sans-serif; } @bottom-left { content: "iqgate dossier, {{created}}"; font: 9pt sans-serif; } }
body { font: 14px/1.45 system-ui, sans-serif; color: #1c2430; margin: 0 auto; max-width: 1000px; padding: 20px; background: #fff; }
h1 { font-size: 24px; margin: 0 0 6px; } h2 { font-size: 17px; margin: 26px 0 8px; border-bottom: 1px solid #cfd6df; padding-bottom: 3px; break-after: avoid; }
.answer { border: 4px solid; border-radius: 8px; padding: 14px 20px; margin: 16px 0; } .answer b { font-size: 34px; letter-spacing: 1px; display: block; }
.answer.pass { color: #12692f; background: #eaf6ee; } .answer.fail { color: #a11212; background: #fcebeb; } .answer.no_verdict { color: #8a5a00; background: #fff6e0; } .answer.no_limit { color: #46505c; background: #f3f5f7; }
.answer p { color: #1c2430; margin: 6px 0 0; font-size: 15px; }
.warn { color: #a11212; font-weight: 700; } .one span { overflow-wrap: anywhere; } .small { color: #56616e; font-size: 12px; }
table { border-collapse: collapse; width: 100%; font-size: 12px; } th { text-align: left; background: #eef2f7; } th, td { padding: 4px 6px; border-bottom: 1px solid #e1e6ec; vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.unit { white-space: nowrap; } .state { font-weight: 700; } .equivalent .state, .noninferior .state { color: #12692f; } .different .state { color: #a11212; } .inconclusive .state, .not_assessable .state { color: #8a5a00; }
.two { columns: 2; column-gap: 28px; } .two div, .one div { padding: 2px 0 2px 170px; text-indent: -170px; border-bottom: 1px solid #eef1f4; break-inside: avoid; }
.two span:first-child, .one span:first-child { display: inline-block; width: 170px; text-indent: 0; color: #56616e; }
.pictures { orphans: 1; widows: 1; } .pictures figure { display: inline-block; vertical-align: top; width: 48.5%; margin: 0 1% 18px 0; } figure { margin: 0; break-inside: avoid; } figure img { width: 100%; border: 1px solid #cfd6df; } figcaption { font-size: 12px; color: #39434f; }
.sign { margin-top: 10px; break-inside: avoid; } .sign div { display: inline-block; vertical-align: top; width: 30%; margin: 44px 2% 0 0; border-top: 1px solid #1c2430; padding-top: 3px; font-size: 12px; }
code { font-size: 10.5px; overflow-wrap: anywhere; } tr, .two div, .one div { break-inside: avoid; }
</style>
</head>
<body>
<h1>May this scanner run the method?</h1>
<div class="one">
<div><span>Question</span><span>{{question}}</span></div>
<div><span>Method</span><span>{{method}}</span></div>
<div><span>Claim</span><span>{{claim}}</span></div>
<div><span>Site</span><span>{{site}}</span></div>
</div>
<div class="answer {{colour}}"><b>{{answer}}</b><p>{{sentence}}</p></div>
{{#has_warnings}}<ul class="warn">{{#warnings}}<li>{{text}}</li>{{/warnings}}</ul>{{/has_warnings}}
{{#has_gates}}<table><thead><tr><th>What was agreed to matter</th><th>This site</th><th>Reference</th><th>Worst acceptable</th><th>Unit</th><th>Answer</th></tr></thead><tbody>
{{#gates}}<tr class="{{state}}"><td>{{title}}</td><td class="n">{{site}}</td><td class="n">{{reference}}</td><td class="n">{{acceptable}}</td><td class="unit">{{unit}}</td><td class="state">{{state_words}}</td></tr>
{{/gates}}</tbody></table>{{/has_gates}}
<p><b>What decides.</b></p><ul>{{#decides}}<li>{{text}}</li>{{/decides}}</ul>
<p>{{needed}}</p>
{{#has_notes}}<p><b>To be known with this answer.</b></p><ul>{{#notes}}<li>{{text}}</li>{{/notes}}</ul>{{/has_notes}}
<p class="small">GO: every quality agreed on beforehand is shown, with statistical confidence, to be no worse than where the method was developed by more than the agreed margin. NO-GO: at least one is shown to be worse by more than that. INCONCLUSIVE: neither is shown, and the method is not released. Not a clinical device: a qualified person decides on the use of the scanner.</p>

{{#has_gates}}<h2>Agreed beforehand, and measured</h2>
<table><thead><tr><th>Metric</th><th>Margin</th><th>Scans (site / reference)</th><th>Distance from the worst acceptable (interval)</th><th>Unit</th><th>p, no worse</th><th>p, worse</th></tr></thead><tbody>
{{#gates}}<tr class="{{state}}"><td>{{title}}</td><td class="n">{{margin}}</td><td class="n">{{n}}</td><td class="n">{{room}}<br>({{interval}})</td><td class="unit">{{unit}}</td><td class="n">{{p}}</td><td class="n">{{p_inferior}}</td></tr>
<tr><td colspan="7" class="small">{{aim}}. Why this margin: {{rationale}}; set by: {{set_by}}.{{notes}}</td></tr>
{{/gates}}</tbody></table>{{/has_gates}}

<h2>Scanner and phantom</h2>
<div class="two">{{#identity}}<div><span>{{key}}</span><span>{{value}}</span></div>{{/identity}}</div>
<div class="one"><div><span>Phantom certificate</span><span>{{certificate}}</span></div></div>

<h2>How it was scanned</h2>
<div class="two">{{#technique}}<div><span>{{key}}</span><span>{{value}}</span></div>{{/technique}}</div>

<h2>The scans</h2>
<table><thead><tr><th>Result</th><th>Scan</th><th>Date</th><th>Numbers</th><th>Not measured</th><th>Against limits</th><th>SHA-256 of the result</th></tr></thead><tbody>
{{#scan_rows}}<tr><td>{{name}}</td><td>{{scan}}</td><td>{{date}}</td><td class="n">{{numbers}}</td><td class="n">{{missing}}</td><td>{{overall}}</td><td><code>{{sha256}}</code></td></tr>
{{/scan_rows}}</tbody></table>

{{#has_pictures}}<h2>What was measured (first scan)</h2>
<p class="small">Yellow: the regions as measured, numbered. Blue, dashed: the phantom's body as it was found. Thin, magenta: the fitted phantom.</p>
<div class="pictures">{{#pictures}}<figure><img alt="{{title}}" src="data:image/png;base64,{{&data}}"><figcaption><b>{{title}}</b><br>{{legend}}</figcaption></figure>{{/pictures}}</div>{{/has_pictures}}
{{#has_plots}}<h2>Curves (first scan)</h2>
<div class="pictures">{{#plots}}<figure><img alt="{{title}}" src="data:image/svg+xml;base64,{{&data}}"><figcaption>{{title}}</figcaption></figure>{{/plots}}</div>{{/has_plots}}

<h2>Deviations, and what failed</h2>
<div class="one"><div><span>Deviations from protocol</span><span>{{deviations}}</span></div></div>
{{#has_trouble}}<table><thead><tr><th>What</th><th>In</th></tr></thead><tbody>{{#trouble}}<tr><td>{{what}}</td><td>{{scans}}</td></tr>{{/trouble}}</tbody></table>{{/has_trouble}}
{{^has_trouble}}<p>Nothing failed, and everything was measured.</p>{{/has_trouble}}
{{#has_history}}<p><b>Decisions about this scanner in the log, oldest first.</b></p>
<table><thead><tr><th>Entry</th><th>When (UTC)</th><th>Profile</th><th>Look</th><th>Decision</th><th>Operator</th></tr></thead><tbody>{{#history}}<tr><td>{{index}}</td><td>{{at}}</td><td>{{profile}}</td><td>{{look}}</td><td>{{overall}}</td><td>{{operator}}</td></tr>{{/history}}</tbody></table>{{/has_history}}

<h2>Can the program be trusted here?</h2>
<p>{{selftest}}</p>

<h2>Sign-off</h2>
<div class="sign"><div>performed by (printed name, date and time)</div><div>reviewed by (printed name, date and time)</div><div>approved by (printed name, date and time)</div></div>

<h2>Provenance</h2>
<table><tbody>{{#provenance}}<tr><td>{{key}}</td><td><code>{{value}}</code></td></tr>{{/provenance}}</tbody></table>
<p class="small">iqgate {{version}}, made {{created}}. The files of this dossier and their SHA-256 stand in dossier.json; iqgate verify, given the decision log too, tells later changes.</p>
</body>
</html>
)html";

}  // namespace iqgate::report
