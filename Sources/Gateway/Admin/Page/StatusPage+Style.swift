// StatusPage+Style.swift — how the status page looks, in light and dark, from phone to desk.

extension StatusPage {
    static let style: StaticString = """
        :root{--page:#f6f7f9;--card:#fff;--ink:#17202b;--dim:#566273;--line:#d9dee5;--one:#1358c4;
        --two:#b3460b;--bad:#b3122c;--good:#17703a;--soft:#e6eefb}
        :root[data-theme=dark]{--page:#10151c;--card:#18202a;--ink:#e5eaf1;--dim:#9dabbd;
        --line:#2c3847;--one:#6fa8ff;--two:#ff9d5c;--bad:#ff7d8f;--good:#63d390;--soft:#1c2c45}
        *{box-sizing:border-box}
        html{background:var(--page);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
        :root[data-theme=dark]{color-scheme:dark}
        :root[data-theme=light]{color-scheme:light}
        body{margin:0 auto;max-width:1240px;padding:0 16px 48px}
        .skip{position:absolute;left:-999px}
        .skip:focus{left:8px;top:8px;background:var(--card);padding:8px;z-index:1}
        header{display:flex;flex-wrap:wrap;align-items:center;gap:4px 16px;padding:16px 0 4px}
        h1{font-size:22px;margin:0}
        h1 small{color:var(--dim);font-size:13px;font-weight:400}
        h2{font-size:17px;margin:28px 0 10px}
        h3{font-size:14px;margin:18px 0 8px;color:var(--dim)}
        header p{margin:0;color:var(--dim);flex:1}
        #state.good::before,#state.bad::before{content:"";display:inline-block;width:9px;height:9px;
        border-radius:50%;margin-right:7px;background:var(--good)}
        #state.bad::before{background:var(--bad)}
        button,input,textarea{font:inherit;color:inherit;background:var(--card);
        border:1px solid var(--dim);border-radius:6px;padding:6px 12px}
        button{cursor:pointer}
        button:disabled{opacity:.5;cursor:default}
        #send{background:var(--one);border-color:var(--one);color:var(--page)}
        :focus-visible{outline:3px solid var(--one);outline-offset:2px}
        input,textarea{display:block;width:100%}
        #door p:first-of-type{display:flex;gap:8px}
        #door{background:var(--soft);border-radius:8px;padding:12px 16px;margin:12px 0}
        #refusal{color:var(--bad);margin:0}
        .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(136px,1fr));gap:10px;margin:0}
        .cards div,figure,#play,.wide,pre{background:var(--card);border:1px solid var(--line);
        border-radius:8px}
        .cards div{padding:10px 12px}
        dt{color:var(--dim);font-size:12.5px}
        dd{margin:2px 0 0;font-size:20px;font-variant-numeric:tabular-nums;white-space:nowrap}
        dd small{font-size:12.5px;color:var(--dim)}
        .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(270px,1fr));gap:10px;
        margin-top:10px}
        figure{margin:0;padding:10px 12px}
        figcaption{color:var(--dim);font-size:12.5px;margin-bottom:6px}
        svg{display:block;width:100%;height:110px;overflow:visible}
        svg text{fill:var(--dim);font-size:11px}
        svg line{stroke:var(--line)}
        svg polyline{fill:none;stroke:var(--one);stroke-width:2;stroke-linejoin:round}
        svg polyline.two{stroke:var(--two);stroke-dasharray:5 3}
        .wide{overflow-x:auto}
        .tall{max-height:420px;overflow-y:auto}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:13.5px}
        th,td{text-align:right;padding:6px 10px;border-bottom:1px solid var(--line);white-space:nowrap}
        th{color:var(--dim);font-weight:600}
        thead th{position:sticky;top:0;background:var(--card)}
        tbody th{color:var(--ink);font-weight:400}
        tbody tr:last-child>*{border-bottom:0}
        .l{text-align:left}
        .bad{color:var(--bad)}
        .good{color:var(--good)}
        td.none{text-align:left;color:var(--dim)}
        code{font:12.5px ui-monospace,monospace}
        #play{padding:6px 16px}
        #timing{color:var(--dim);margin-left:8px}
        .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(280px,1fr));gap:10px}
        .pair>div{min-width:0}
        pre{margin:0;padding:10px 12px;height:190px;overflow:auto;white-space:pre-wrap;
        overflow-wrap:anywhere;font:12.5px/1.5 ui-monospace,monospace}
        @media (max-width:520px){body{padding:0 10px 32px}dd{font-size:17px}
        .cards{grid-template-columns:repeat(2,1fr)}}
        """
}
