#pragma once
// The page, as a Mustache template: one self-contained file, no script, nothing fetched. Values are escaped.

namespace iqgate::report {

inline constexpr const char* report_template = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>iqgate report {{report_id}}</title>
<style>
@page { size: A4; margin: 16mm 14mm; @bottom-right { content: "page " counter(page) " of " counter(pages); font: 9pt sans-serif; } @bottom-left { content: "iqgate report {{report_id}}"; font: 9pt sans-serif; } }
body { font: 14px/1.45 system-ui, sans-serif; color: #1c2430; margin: 0 auto; max-width: 1080px; padding: 20px; background: #fff; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 28px 0 8px; border-bottom: 1px solid #cfd6df; padding-bottom: 3px; }
.head { display: flex; justify-content: space-between; align-items: flex-start; gap: 20px; border-bottom: 3px solid #1f4e8c; padding-bottom: 12px; }
.verdict { font-size: 24px; font-weight: 700; padding: 8px 18px; border: 3px solid; border-radius: 6px; white-space: nowrap; }
.verdict.pass { color: #12692f; border-color: #12692f; background: #eaf6ee; } .verdict.fail { color: #a11212; border-color: #a11212; background: #fcebeb; }
.verdict.no_verdict { color: #8a5a00; border-color: #8a5a00; background: #fff6e0; } .verdict.no_limit { color: #46505c; border-color: #8b96a3; background: #f3f5f7; }
.small { color: #56616e; font-size: 12px; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; } th { text-align: left; background: #eef2f7; } th, td { padding: 4px 7px; border-bottom: 1px solid #e1e6ec; vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } td.flags { color: #56616e; font-size: 11px; max-width: 170px; overflow-wrap: anywhere; }
tr.fail td { background: #fcebeb; } tr.undecided td, tr.not_measured td { background: #fff6e0; } tr.warn td { background: #fffbe6; }
.state { font-weight: 700; white-space: nowrap; } .fail .state { color: #a11212; } .pass .state { color: #12692f; } .undecided .state, .warn .state, .not_measured .state { color: #8a5a00; } .no_limit .state { color: #7a8491; font-weight: 400; }
.two { columns: 2; column-gap: 28px; } .two div, .one div { padding: 2px 0 2px 190px; text-indent: -190px; border-bottom: 1px solid #eef1f4; break-inside: avoid; }
.two span:first-child, .one span:first-child { display: inline-block; width: 190px; text-indent: 0; color: #56616e; }
.pictures { orphans: 1; widows: 1; } .pictures figure { display: inline-block; vertical-align: top; width: 48.5%; margin: 0 1% 18px 0; } figure { margin: 0; break-inside: avoid; } figure img { width: 100%; border: 1px solid #cfd6df; } figcaption { font-size: 12px; color: #39434f; }
.sign { margin-top: 10px; break-inside: avoid; } .sign div { display: inline-block; vertical-align: top; width: 30%; margin: 44px 2% 0 0; border-top: 1px solid #1c2430; padding-top: 3px; font-size: 12px; }
tbody.pair { break-inside: avoid; } tbody.pair tr:first-child td { border-bottom: 0; } td.source { padding-top: 0; } span.flags { color: #8b6a1f; }
@media print { body { font-size: 12px; padding: 0; } table { font-size: 11px; } th, td { padding: 3px 5px; } td.source { padding-top: 0; } td.flags { max-width: none; width: 24%; } }
code { font-size: 11px; overflow-wrap: anywhere; } tr, .two div { break-inside: avoid; }
</style>
</head>
<body>
<div class="head"><div><h1>Image-quality report</h1>
<div>{{phantom_title}}{{^phantom_title}}Free regions{{/phantom_title}}</div>
<div class="small">report {{report_id}} &middot; iqgate {{version}} &middot; made {{created}} &middot; {{counts}}</div>
<div class="small">Not a clinical device. A qualified person decides on the use of the scanner.</div></div>
<div class="verdict {{overall}}">{{overall_words}}</div></div>
<p>{{overall_sentence}}</p>

<h2>Identity</h2>
<div class="two">{{#identity}}<div><span>{{key}}</span><span>{{value}}</span></div>{{/identity}}</div>

<h2>Technique</h2>
<div class="two">{{#technique}}<div><span>{{key}}</span><span>{{value}}</span></div>{{/technique}}</div>

{{#has_judged}}<h2>Results against limits</h2>
<table><thead><tr><th>Test</th><th>Where</th><th>Measured</th><th>95 % interval</th><th>Unit</th><th>Limits (act)</th><th>Verdict</th></tr></thead>
{{#judged}}<tbody class="pair"><tr class="{{state}}"><td>{{name}}</td><td>{{where}}</td><td class="n">{{value}}</td><td class="n">{{interval}}</td><td>{{unit}}</td><td class="n">{{limit}}</td><td class="state">{{state_words}}</td></tr>
<tr class="{{state}}"><td colspan="7" class="small source">{{source}} <span class="flags">{{flags}}</span></td></tr></tbody>
{{/judged}}</table>{{/has_judged}}

{{#has_missing}}<h2>Not measured</h2>
<table><thead><tr><th>Test</th><th>Where</th><th>Because</th></tr></thead><tbody>{{#missing}}<tr class="not_measured"><td>{{name}}</td><td>{{where}}</td><td>{{reason}}</td></tr>{{/missing}}</tbody></table>{{/has_missing}}

{{#has_pictures}}<h2>What was measured</h2>
<p class="small">Yellow: the regions as measured, numbered. Blue, dashed: the phantom's body as it was found. Thin, magenta: the fitted phantom.</p>
<div class="pictures">{{#pictures}}<figure><img alt="{{title}}" src="data:image/png;base64,{{&data}}"><figcaption><b>{{title}}</b><br>{{legend}}</figcaption></figure>{{/pictures}}</div>{{/has_pictures}}

{{#has_plots}}<h2>Curves</h2>
<div class="pictures">{{#plots}}<figure><img alt="{{title}}" src="data:image/svg+xml;base64,{{&data}}"><figcaption>{{title}}</figcaption></figure>{{/plots}}</div>{{/has_plots}}
{{#no_plots}}<p class="small">{{no_plots}}</p>{{/no_plots}}

{{#has_unjudged}}<h2>Measured, without a limit</h2>
<table><thead><tr><th>Test</th><th>Where</th><th>Measured</th><th>95 % interval</th><th>Unit</th><th>Flags</th></tr></thead><tbody>
{{#unjudged}}<tr><td>{{name}}</td><td>{{where}}</td><td class="n">{{value}}</td><td class="n">{{interval}}</td><td>{{unit}}</td><td class="flags">{{flags}}</td></tr>
{{/unjudged}}</tbody></table>{{/has_unjudged}}

<h2>Quality notes</h2>
<ul>{{#notes}}<li>{{text}}</li>{{/notes}}</ul>

<h2>Sign-off</h2>
<div class="sign"><div>performed by (printed name, date and time)</div><div>reviewed by (printed name, date and time)</div><div>approved by (printed name, date and time)</div></div>

<h2>Appendix</h2>
<table><tbody>{{#appendix}}<tr><td>{{key}}</td><td><code>{{value}}</code></td></tr>{{/appendix}}</tbody></table>
</body>
</html>
)html";

}  // namespace iqgate::report
