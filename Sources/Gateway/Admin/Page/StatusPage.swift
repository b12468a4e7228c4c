// StatusPage.swift — the page at `/`: one document with its style and script inside, which loads
// nothing from anywhere. Imported by AdminEndpoints.

import ReactorCore

/// The status page. It shows no data by itself: its script asks `/status/events`.
enum StatusPage {
    static func append(to body: inout ByteBuffer) {
        body.append(top)
        body.append("<style>" as StaticString)
        body.append(style)
        body.append("</style>\n" as StaticString)
        body.append(content)
        body.append("<script>" as StaticString)
        body.append(script)
        body.append("</script>\n" as StaticString)
    }

    /// Only this very style and this very script may run, and talk to this server alone.
    static func securityFields() -> String {
        func source(_ text: StaticString) -> String {
            let digest = SHA256Digest(of: ByteSlice(text))
            var encoded = ByteBuffer()
            digest.withBytes { Base64.standard.encode($0, into: &encoded) }
            return "'sha256-\(encoded.string)'"
        }
        return "content-security-policy: default-src 'none'; style-src \(source(style)); "
            + "script-src \(source(script)); connect-src 'self'; img-src data:; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\nreferrer-policy: no-referrer\r\n"
    }

    private static let top: StaticString = """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <link rel="icon" href="data:,">
        <title>gateway</title>

        """

    private static let content: StaticString = """
        <a class="skip" href="#main">Skip to content</a>
        <header>
        <h1>gateway <small id="version"></small></h1>
        <p><span id="state" role="status">connecting…</span> <span id="uptime"></span></p>
        <button id="theme" type="button" aria-pressed="false">Dark</button>
        </header>
        <main id="main" tabindex="-1">
        <form id="door" hidden>
        <label for="key">This gateway asks for a key. A key marked as admin shows its status.</label>
        <p><input id="key" type="password" autocomplete="off" spellcheck="false">
        <button>Show</button></p>
        <p id="refusal" role="alert"></p>
        </form>
        <section aria-labelledby="h-now">
        <h2 id="h-now">Now</h2>
        <dl id="cards" class="cards"></dl>
        <div class="charts">
        <figure><figcaption>Requests a second</figcaption><div id="c-rate"></div></figure>
        <figure><figcaption>Latency, ms: median, 95 % dashed</figcaption>
        <div id="c-latency"></div></figure>
        <figure><figcaption>Output tokens a second</figcaption><div id="c-tokens"></div></figure>
        <figure><figcaption>Requests in flight</figcaption><div id="c-flight"></div></figure>
        </div>
        </section>
        <section aria-labelledby="h-models">
        <h2 id="h-models">Models</h2>
        <div class="wide" tabindex="0" role="region" aria-labelledby="h-models">
        <table id="models"></table></div>
        </section>
        <section aria-labelledby="h-providers">
        <h2 id="h-providers">Providers</h2>
        <div class="wide" tabindex="0" role="region" aria-labelledby="h-providers">
        <table id="pools"></table></div>
        <h3 id="h-tokens">Access tokens</h3>
        <div class="wide" tabindex="0" role="region" aria-labelledby="h-tokens">
        <table id="tokens"></table></div>
        </section>
        <section aria-labelledby="h-doors">
        <h2 id="h-doors">Doors</h2>
        <div class="wide" tabindex="0" role="region" aria-labelledby="h-doors">
        <table id="doors"></table></div>
        </section>
        <section aria-labelledby="h-workers">
        <h2 id="h-workers">Workers</h2>
        <div class="wide" tabindex="0" role="region" aria-labelledby="h-workers">
        <table id="workers"></table></div>
        <div id="sending" hidden>
        <h3 id="h-exports">Records sent on</h3>
        <div class="wide" tabindex="0" role="region" aria-labelledby="h-exports">
        <table id="exports"></table></div>
        </div>
        </section>
        <section aria-labelledby="h-recent">
        <h2 id="h-recent">Recent requests</h2>
        <div class="wide tall" tabindex="0" role="region" aria-labelledby="h-recent">
        <table id="recent"></table></div>
        </section>
        <section aria-labelledby="h-play">
        <h2 id="h-play">Playground</h2>
        <form id="play">
        <p><label for="model">Model</label>
        <input id="model" list="names" autocomplete="off" spellcheck="false" required>
        <datalist id="names"></datalist></p>
        <p><label for="prompt">Message</label>
        <textarea id="prompt" rows="3" required>Say hello in three languages.</textarea></p>
        <p><button id="send">Send</button>
        <button id="halt" type="button" disabled>Stop</button>
        <span id="timing" role="status"></span></p>
        </form>
        <div class="pair">
        <div><h3 id="h-answer">Answer</h3>
        <pre id="answer" tabindex="0" role="region" aria-labelledby="h-answer"></pre></div>
        <div><h3 id="h-raw">Events as they came</h3>
        <pre id="raw" tabindex="0" role="region" aria-labelledby="h-raw"></pre></div>
        </div>
        </section>
        </main>

        """
}
