// StatusPage+Script.swift — what the status page does: reads `/status/events`, draws, and streams one
// chat for its playground. Text from the gateway enters the page as text only.

extension StatusPage {
    static let script: StaticString = #"""
        'use strict';
        const $ = id => document.getElementById(id);
        const history = [], keep = 300, recent = [];
        let key = sessionStorage.getItem('gateway-key') || '', reader = null, models = '';

        function theme(name) {
          document.documentElement.dataset.theme = name;
          $('theme').setAttribute('aria-pressed', name === 'dark');
        }
        let stored = null;
        try { stored = localStorage.getItem('gateway-theme'); } catch {}
        theme(stored || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'));
        $('theme').onclick = () => {
          const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
          theme(next);
          try { localStorage.setItem('gateway-theme', next); } catch {}
        };

        const headers = more => key ? {...more, authorization: 'Bearer ' + key} : more;
        const number = n => n == null ? '–' : n >= 1e6 ? (n / 1e6).toFixed(2) + ' M'
          : n >= 1e4 ? (n / 1e3).toFixed(1) + ' k' : String(Math.round(n * 10) / 10);
        const ms = n => n == null ? '–' : n >= 10000 ? (n / 1000).toFixed(1) + ' s'
          : n >= 100 ? Math.round(n) + ' ms' : n >= 1 ? n.toFixed(1) + ' ms'
          : Math.round(n * 1000) + ' µs';
        const bytes = n => n >= 2 ** 30 ? (n / 2 ** 30).toFixed(2) + ' GiB'
          : (n / 2 ** 20).toFixed(1) + ' MiB';
        const dollars = n => n == null ? '–' : '$' + (n >= 100 ? n.toFixed(0)
          : n >= 1 ? n.toFixed(2) : n === 0 ? '0' : n.toPrecision(2).replace(/e.*/, m => m));
        const span = s => s >= 86400 ? Math.floor(s / 86400) + ' d '
          + Math.floor(s % 86400 / 3600) + ' h' : s >= 3600 ? Math.floor(s / 3600) + ' h '
          + Math.floor(s % 3600 / 60) + ' min' : s >= 60 ? Math.floor(s / 60) + ' min '
          + s % 60 + ' s' : s + ' s';

        function make(tag, text, name) {
          const element = document.createElement(tag);
          if (text != null) element.textContent = text;
          if (name) element.className = name;
          return element;
        }
        function cards(list) {
          const box = $('cards');
          while (box.children.length < list.length) {
            const item = make('div');
            item.append(make('dt'), make('dd'));
            box.append(item);
          }
          list.forEach(([name, value, bad], at) => {
            const [dt, dd] = box.children[at].children;
            if (dt.textContent !== name) dt.textContent = name;
            if (dd.textContent !== value) dd.textContent = value;
            dd.className = bad ? 'bad' : '';
          });
        }
        // columns: [heading, value of a row, class]; the first column heads its row.
        function table(id, columns, rows, none) {
          const place = $(id);
          if (!place.tHead) {
            const head = place.createTHead().insertRow();
            for (const [name, , kind] of columns) {
              const cell = make('th', name, kind);
              cell.scope = 'col';
              head.append(cell);
            }
            place.createTBody();
          }
          const body = make('tbody');
          for (const row of rows) {
            const line = body.insertRow();
            columns.forEach(([, value, kind, mark], at) => {
              const cell = make(at ? 'td' : 'th', value(row), kind);
              if (!at) cell.scope = 'row';
              const extra = mark && mark(row);
              if (extra) cell.classList.add(extra);
              line.append(cell);
            });
          }
          if (!rows.length) {
            const cell = make('td', none, 'none');
            cell.colSpan = columns.length;
            body.insertRow().append(cell);
          }
          place.tBodies[0].replaceWith(body);
        }

        const svg = (tag, fields) => {
          const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
          for (const name in fields) element.setAttribute(name, fields[name]);
          return element;
        };
        function chart(id, lines, title) {
          const box = $(id), width = Math.max(box.clientWidth, 200), height = 110, left = 40;
          const all = lines.flat().filter(v => v != null);
          const wide = Math.max(60, lines[0].length);
          let top = Math.max(...all, 0) || 1;
          const unit = 10 ** Math.floor(Math.log10(top));
          top = [1, 2, 5, 10].map(n => n * unit).find(n => n >= top);
          const image = svg('svg', {viewBox: `0 0 ${width} ${height}`, role: 'img'});
          image.append(Object.assign(svg('title', {}), {textContent: title}));
          for (const part of [0, .5, 1]) {
            const y = 100 - part * 88;
            image.append(svg('line', {x1: left, x2: width, y1: y, y2: y}));
            const label = svg('text', {x: left - 6, y: y + 4, 'text-anchor': 'end'});
            label.textContent = number(top * part);
            image.append(label);
          }
          lines.forEach((values, index) => {
            const points = values.map((v, at) => v == null ? null
              : (left + (width - left) * (at + wide - values.length) / (wide - 1)).toFixed(1) + ','
                + (100 - v / top * 88).toFixed(1)).filter(p => p);
            image.append(svg('polyline', {points: points.join(' '), class: index ? 'two' : 'one'}));
          });
          box.replaceChildren(image);
        }

        let last = null;
        function show(now) {
          const window = now.window, seconds = Math.max(window.seconds, 1);
          const rate = window.requests / seconds, speed = window.output_tokens / seconds;
          const p50 = window.latency.p50_ms, p95 = window.latency.p95_ms;
          history.push({rate, speed, p50, p95, flight: now.in_flight});
          if (history.length > keep) history.shift();
          for (const entry of now.recent) recent.unshift(entry);
          recent.length = Math.min(recent.length, 100);
          last = now;
          $('version').textContent = now.version;
          const state = now.draining ? 'leaving' : 'running';
          const place = $('state');
          place.className = now.draining ? 'bad' : 'good';
          // Those who hear the page hear this when it changes, not each second.
          if (place.textContent !== state) place.textContent = state;
          $('uptime').textContent = 'for ' + span(now.uptime_seconds);
          if (document.hidden) return;
          draw();
        }
        function draw() {
          const now = last, window = now.window, seconds = Math.max(window.seconds, 1);
          const total = now.totals, spot = history[history.length - 1];
          const failed = window.requests ? window.errors / window.requests * 100 : 0;
          const pool = now.pools.reduce((sum, p) => {
            for (const name in p) if (name !== 'provider') sum[name] = (sum[name] || 0) + p[name];
            return sum;
          }, {});
          const served = (pool.created || 0) + (pool.reused || 0);
          cards([
            ['Requests/s', number(spot.rate)],
            ['In flight', number(now.in_flight)],
            ['Latency, median', ms(window.latency.p50_ms)],
            ['Latency, 95 %', ms(window.latency.p95_ms)],
            ['Latency, 99 %', ms(window.latency.p99_ms)],
            ['First token, median', ms(window.ttft.p50_ms)],
            ['First token, 95 %', ms(window.ttft.p95_ms)],
            ['Between tokens, median', ms(window.per_token.p50_ms)],
            ['Between tokens, 95 %', ms(window.per_token.p95_ms)],
            ['Output tokens/s', number(spot.speed)],
            ['Errors', failed.toFixed(1) + ' %', failed > 1],
            ['Own share, median', ms(now.overhead.p50_ms)],
            ['Requests in all', number(now.requests_received)],
            ['Tokens in', number(total.input_tokens)],
            ['Tokens out', number(total.output_tokens)],
            ['Cost', dollars(total.cost_usd)],
            ['Connections reused', served ? (pool.reused / served * 100).toFixed(1) + ' %' : '–'],
            ['Heartbeats', number(now.heartbeats)],
            ['Broken streams', number(now.stream_errors), now.stream_errors > 0],
            ['Cancelled', number(now.cancelled)],
            ['Log lines dropped', number(now.log_lines_dropped), now.log_lines_dropped > 0],
            ['Clients connected', number(now.clients.connections)],
            ['Received', bytes(now.clients.received_bytes)],
            ['Sent', bytes(now.clients.sent_bytes)],
            ['Memory', bytes(now.process.anonymous_bytes)],
            ['Loop lag, most', ms(now.process.lag_max_us / 1000)],
          ]);
          const line = name => history.map(h => h[name]);
          chart('c-rate', [line('rate')], `Now ${number(spot.rate)}`);
          chart('c-latency', [line('p50'), line('p95')],
            `Median ${ms(spot.p50)}, 95th percentile ${ms(spot.p95)}`);
          chart('c-tokens', [line('speed')], `Now ${number(spot.speed)}`);
          chart('c-flight', [line('flight')], `Now ${number(spot.flight)}`);
          table('models', [
            ['Model', m => m.model, 'l'], ['Provider', m => m.provider, 'l'],
            ['Requests', m => number(m.requests)],
            ['Errors', m => number(m.failed), '', m => m.failed ? 'bad' : ''],
            ['Left', m => number(m.cancelled)],
            ['Median', m => ms(m.latency.p50_ms)], ['95 %', m => ms(m.latency.p95_ms)],
            ['First token', m => ms(m.ttft.p50_ms)],
            ['A token', m => ms(m.per_token.p50_ms)],
            ['In', m => number(m.input_tokens)], ['Out', m => number(m.output_tokens)],
            ['Cached', m => number(m.cached_tokens)],
            ['Cost', m => m.unpriced && !m.cost_usd ? '–' : dollars(m.cost_usd)],
          ], [...now.models].sort((a, b) => b.requests - a.requests), 'No request yet.');
          // The simulator has no connections.
          const some = value => value == null ? '–' : number(value);
          table('pools', [
            ['Provider', p => p.provider, 'l'],
            ['Breaker', p => p.breaker ? p.breaker.replace('_', ' ') : '–', 'l',
              p => p.breaker ? p.breaker === 'closed' ? 'good' : 'bad' : ''],
            ['Moved on', p => number(p.fallbacks)],
            ['In use', p => some(p.leased)],
            ['Idle', p => some(p.idle)], ['Being made', p => some(p.connecting)],
            ['Waiting', p => some(p.waiting), '', p => p.waiting ? 'bad' : ''],
            ['Made', p => some(p.created)], ['Reused', p => some(p.reused)],
            ['Handshakes', p => some(p.handshakes)], ['Resumed', p => some(p.resumptions)],
          ], now.providers.map(p => ({...now.pools.find(q => q.provider === p.provider), ...p})),
            'No provider.');
          table('tokens', [
            ['Provider', t => t.provider, 'l'],
            ['State', t => t.state, 'l', t => t.usable && t.state !== 'broken' ? 'good' : 'bad'],
            ['Workers', t => Object.entries(t.workers).map(w => w.join(' ')).join(', '), 'l'],
            ['Holds for', t => t.expires_in == null ? '–' : span(t.expires_in)],
            ['Obtained', t => number(t.generation)], ['Waiting', t => number(t.waiting)],
            ['At hand', t => t.leases ? (t.hits / t.leases * 100).toFixed(1) + ' %' : '–'],
          ], now.tokens, 'No provider needs one.');
          table('doors', [
            ['Door', d => d.door, 'l'], ['Requests', d => number(d.requests)],
            ['Errors', d => number(d.errors), '', d => d.errors ? 'bad' : ''],
          ], now.doors, 'No request yet.');
          table('workers', [
            ['Worker', w => String(w.worker), 'l'],
            ['Memory', w => bytes(w.anonymous_bytes)], ['With files', w => bytes(w.resident_bytes)],
            ['Processor time', w => ms(w.cpu_us / 1000)],
            ['Loop lag', w => ms(w.lag_us / 1000)],
            ['Most of a minute', w => ms(w.lag_max_us / 1000)],
          ], now.workers, 'None.');
          $('sending').hidden = !now.exports.length;
          table('exports', [
            ['To', e => e.exporter, 'l'], ['Sent', e => number(e.sent)],
            ['Waiting', e => number(e.waiting)],
            ['Refused', e => number(e.refused), '', e => e.refused ? 'bad' : ''],
            ['Dropped', e => number(e.dropped), '', e => e.dropped ? 'bad' : ''],
          ], now.exports, 'None.');
          table('recent', [
            ['Time', r => new Date(r.time_ms).toLocaleTimeString('en-GB'), 'l'],
            ['Door', r => r.door, 'l'], ['Model', r => r.model, 'l'],
            ['Provider', r => r.provider, 'l'],
            ['Status', r => r.status + (r.outcome === 'ok' ? '' : ' ' + r.outcome), '',
              r => r.outcome === 'ok' ? '' : 'bad'],
            ['Took', r => ms(r.duration_us / 1000)],
            ['First token', r => r.ttft_us == null ? '–' : ms(r.ttft_us / 1000)],
            ['In', r => number(r.input_tokens)], ['Out', r => number(r.output_tokens)],
            ['Request id', r => r.id, 'l'],
          ], recent, 'No request yet.');
        }
        addEventListener('resize', () => last && draw());
        document.addEventListener('visibilitychange', () => !document.hidden && last && draw());

        // Calls `take` with each event's data.
        async function events(answer, take) {
          const stream = answer.body.pipeThrough(new TextDecoderStream()).getReader();
          let rest = '';
          for (;;) {
            const {value, done} = await stream.read();
            if (done) return;
            rest += value;
            const blocks = rest.split('\n\n');
            rest = blocks.pop();
            blocks.forEach(take);
          }
        }
        const data = block => block.split('\n').filter(l => l.startsWith('data:'))
          .map(l => l.slice(5).trimStart()).join('\n');

        async function watch() {
          try {
            const answer = await fetch('/status/events', {headers: headers({})});
            if (answer.status === 401 || answer.status === 403) {
              $('door').hidden = false;
              $('state').textContent = 'needs a key';
              if (key) $('refusal').textContent = answer.status === 401
                ? 'This key is not known here.' : 'This key is not marked as admin.';
              return;
            }
            if (!answer.ok) throw new Error(answer.status);
            $('door').hidden = true;
            if (key) sessionStorage.setItem('gateway-key', key);
            names();
            recent.length = 0;
            await events(answer, block => { const text = data(block); text && show(JSON.parse(text)); });
            throw new Error('ended');
          } catch (failure) {
            $('state').className = 'bad';
            $('state').textContent = 'not reached; trying again';
            $('uptime').textContent = '';
            setTimeout(watch, 2000);
          }
        }
        $('door').onsubmit = event => {
          event.preventDefault();
          key = $('key').value.trim();
          $('refusal').textContent = '';
          watch();
        };
        async function names() {
          const answer = await fetch('/v1/models', {headers: headers({})});
          if (!answer.ok) return;
          const list = (await answer.json()).data.map(m => m.id);
          $('names').replaceChildren(...list.map(id => Object.assign(make('option'), {value: id})));
          if (!$('model').value) $('model').value = list[0] || 'gpt-4o';
        }

        let halt = null;
        $('halt').onclick = () => halt && halt.abort();
        $('play').onsubmit = async event => {
          event.preventDefault();
          halt = new AbortController();
          $('send').disabled = true;
          $('halt').disabled = false;
          $('answer').textContent = $('raw').textContent = '';
          const began = performance.now();
          let first = null, raw = '';
          try {
            const answer = await fetch('/v1/chat/completions', {
              method: 'POST', signal: halt.signal,
              headers: headers({'content-type': 'application/json'}),
              body: JSON.stringify({model: $('model').value, stream: true,
                stream_options: {include_usage: true},
                messages: [{role: 'user', content: $('prompt').value}]})});
            if (!answer.ok) {
              $('raw').textContent = await answer.text();
              throw new Error('status ' + answer.status);
            }
            await events(answer, block => {
              first ??= performance.now();
              if (raw.length < 2e5) $('raw').textContent = raw += block + '\n\n';
              $('raw').scrollTop = 1e9;
              const text = data(block);
              if (!text || text === '[DONE]') return;
              const piece = JSON.parse(text);
              if (piece.error) throw new Error(piece.error.message);
              $('answer').textContent += piece.choices?.[0]?.delta?.content ?? '';
              $('timing').textContent = 'first event after ' + ms(first - began);
            });
            $('timing').textContent = `first event after ${ms(first - began)}, all after `
              + ms(performance.now() - began);
          } catch (failure) {
            $('timing').textContent = failure.name === 'AbortError' ? 'stopped' : failure.message;
          }
          $('send').disabled = false;
          $('halt').disabled = true;
        };
        watch();
        """#
}
