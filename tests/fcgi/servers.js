// The official clients, a browser and generated requests through real web servers: nginx, lighttpd
// and Apache over FastCGI, nginx with the WebSocket beside it, and CGI.
//
//     node servers.js --server PROGRAM --cgi PROGRAM [--client FOLDER] [--only TEXT]
//
// --server is interop-server, --cgi poco-socketio-cgi, --client the browser client of the page that
// Chromium opens (without it that part is skipped). Ends with the line
// "N passed, N failed[, N skipped]".
'use strict';
const assert = require('assert');
const { spawn } = require('child_process');
const fs = require('fs');
const http = require('http');
const net = require('net');
const os = require('os');
const path = require('path');
const { parseArgs } = require('util');
const { cases, skipped } = require('../interop/cases.js');
const { connect, generations } = require('../interop/clients.js');
const { Runner } = require('../support/js/runner.js');
const { ServerProcess, freePort } = require('../support/js/server-process.js');
const { eventually } = require('../support/js/waiting.js');
const { Nginx, Lighttpd, Apache } = require('../support/js/web-servers.js');

const browserProgram = '/usr/bin/chromium';

const { values: options } = parseArgs({
    options: {
        server: { type: 'string' },
        cgi: { type: 'string' },
        client: { type: 'string' },
        only: { type: 'string', default: '' },
    },
});
if (!options.server || !options.cgi) {
    console.error('usage: node servers.js --server PROGRAM --cgi PROGRAM [--client FOLDER]');
    process.exit(2);
}
if (options.client && !fs.existsSync(path.join(options.client, 'socket.io.js')))
    options.client = undefined;

const runner = new Runner({ deadlineMs: 45000 });

// A folder that a web server of another user may look into.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fcgi-'));
fs.chmodSync(folder, 0o755);
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));

// The server under test and the web server in front of it, as one: clients speak to `url`, stop() and
// start() restart what is behind.
class Fronted {
    async open({ front, unix, route, keep, webSocket, cgi, heartbeat }) {
        const port = await freePort();
        const socket = path.join(folder, `${port}.sock`);
        const address = unix ? socket : `127.0.0.1:${port}`;
        const command = [options.server, '--fastcgi', unix ? socket : String(port), '--route',
            route ? 'yes' : 'no'];
        if (options.client) command.push('--client', options.client);
        if (heartbeat) command.push('--heartbeat', String(heartbeat));
        this.backend = new ServerProcess(command);
        await this.backend.start();
        const routes = cgi
            ? [{ path: '/socket.io', cgi: options.cgi, environment: { POCO_SOCKETIO_FASTCGI: address } }]
            : [{ path: '/', fastcgi: address, keep }];
        if (webSocket)
            routes.push({ path: '/', webSocket: true, proxy: `127.0.0.1:${this.backend.port}` });
        this.front = new front({ routes });
        await this.front.start();
        return this;
    }

    get url() {
        return this.front.url;
    }

    start() {
        return this.backend.start();
    }

    stop(how) {
        return this.backend.stop(how);
    }

    async close() {
        await this.front.stop();
        assert.strictEqual(await this.backend.stop(), 0, 'the exit status of the server');
    }
}

// With one whole server: `run` in front of it, then its orderly end.
async function fronted(what, run) {
    const server = new Fronted();
    try {
        await server.open(what);
        await run(server);
    } catch (error) {
        console.error(server.front ? server.front.log().slice(-2000) : '');
        throw error;
    } finally {
        if (server.front) await server.close();
    }
}

// ------------------------------------------------------------------------------------------------
// The clients

const fronts = {
    'nginx over TCP': { front: Nginx },
    'nginx over TCP, kept connections': { front: Nginx, keep: true, all: true },
    'nginx over a Unix socket': { front: Nginx, unix: true },
    'nginx over a Unix socket, kept connections': { front: Nginx, unix: true, keep: true },
    'nginx with the WebSocket beside it': {
        front: Nginx, keep: true, route: true, webSocket: true, modes: ['upgrade', 'websocket'],
        all: true,
    },
    'lighttpd over TCP': { front: Lighttpd },
    'lighttpd over a Unix socket': { front: Lighttpd, unix: true },
    'Apache over TCP': { front: Apache },
    'Apache over TCP, kept connections': { front: Apache, keep: true },
    'Apache over a Unix socket': { front: Apache, unix: true },
    'CGI under lighttpd': { front: Lighttpd, cgi: true },
    'CGI under Apache': { front: Apache, cgi: true, unix: true },
};
const fewVersions = ['2.5.0', '4.8'];

async function runCases(name, server, what) {
    for (const version of what.all ? Object.keys(generations) : fewVersions)
        for (const mode of what.modes || ['polling'])
            for (const [title, run] of Object.entries(cases)) {
                if ((skipped[version] || []).includes(title)) {
                    runner.skip();
                    continue;
                }
                const clients = [];
                const open = (caseOptions) => {
                    const client = connect(version, mode, server.url, caseOptions);
                    clients.push(client);
                    return client;
                };
                await runner.test(`${name}: client ${version} over ${mode} ${title}`,
                    () => run({ connect: open, server, version, mode, eio: generations[version].eio }),
                    () => clients.forEach((client) => client.close()));
            }
}

// ------------------------------------------------------------------------------------------------
// The browser

// What the page does with the official client that it has loaded.
function pageScript() {
    const seen = document.body.dataset;
    const socket = window.io();
    socket.on('echo', (text) => (seen.echo = text));
    socket.on('connect', () => {
        socket.emit('echo', 'from the page — ✓');
        socket.emit('return', new Uint8Array([1, 2, 255]), (back) => {
            seen.binary = new Uint8Array(back).join();
        });
    });
    setInterval(() => (seen.transport = socket.io.engine.transport.name), 20);
}

async function browserSees(browser, server, transport) {
    const context = await browser.newContext();
    try {
        const tab = await context.newPage();
        const faults = [];
        tab.on('pageerror', (error) => faults.push(String(error)));
        tab.on('console', (line) => line.type() === 'error' && faults.push(line.text()));
        // From the server, or Chromium would not let it open a WebSocket to this machine.
        await tab.goto(`${server.url}/page`);
        await tab.addScriptTag({ url: `${server.url}/socket.io/socket.io.js` });
        await tab.evaluate(pageScript);
        await tab.waitForSelector(
            `body[data-echo="from the page — ✓"][data-binary="1,2,255"][data-transport=${transport}]`,
            { timeout: 20000, state: 'attached' });
        assert.deepStrictEqual(faults, []);
    } finally {
        await context.close();
    }
}

// ------------------------------------------------------------------------------------------------
// One request, raw enough to send what a browser would not

function fetchRaw(url, { method = 'GET', headers = {}, body, agent } = {}) {
    const { hostname, port } = new URL(url);
    const target = url.slice(url.indexOf('/', 8));
    return new Promise((resolve, reject) => {
        const request = http.request(
            { hostname, port, path: target, method, headers, agent, insecureHTTPParser: false },
            (response) => {
                const parts = [];
                response.on('data', (part) => parts.push(part));
                response.on('end', () => resolve({
                    status: response.statusCode, headers: response.headers,
                    body: Buffer.concat(parts),
                }));
                response.on('error', reject);
            });
        request.on('error', reject);
        request.end(body);
    });
}

// A linear congruential generator, so that a run can be repeated.
function generator(seed) {
    let state = BigInt(seed);
    return (below) => {
        state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
        return Number((state >> 33n) % BigInt(below));
    };
}

function generated(random) {
    const pick = (list) => list[random(list.length)];
    const repeat = (most, make) => Array.from({ length: random(most) }, make);
    const segment = () => repeat(8, () => pick(['a', 'Z', '7', '-', '_', '~', '.a', '%20', '%C3%BC',
        '%E2%9C%93', '%25', '%2B', '+', '!', '(', ',', '@', ':', '=', '&', '$', "'", '%22'])).join('');
    const parameter = () => `${segment()}=${segment()}`;
    const method = pick(['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH',
        'HEAD']);
    const socketIo = random(8) === 0;
    const target = (socketIo ? '/socket.io/' : `/${['x', ...repeat(4, segment)].join('/x')}`) +
        (random(3) ? `?${[...(socketIo ? ['EIO=4', 'transport=polling', 'sid=none'] : []),
            ...repeat(4, parameter)].join('&')}` : '');
    const headers = {};
    const value = () => repeat(12, () => pick(['a', 'B', '9', ' ', ';', ',', '=', '"', '/', '\t',
        ':', '(', '%', '\\', '<', '{', '~'])).join('').trim() || 'v';
    for (const name of ['User-Agent', 'Accept', 'Accept-Language', 'Referer', 'X-One', 'X-Two-Three',
        'Authorization', 'Cookie', 'X-Forwarded-For', 'X-Requested-With', 'If-None-Match', 'Proxy',
        'X-Under_Score'])
        if (random(3) === 0) headers[name] = value();
    if (random(6) === 0) headers['X-Repeated'] = ['first', value(), 'third'];
    if (random(9) === 0) headers['Origin'] = pick(['https://evil.example', 'null']);
    let body;
    if (['POST', 'PUT', 'PATCH'].includes(method)) {
        body = Buffer.from(Array.from({ length: random(10) ? random(300) : random(100000) },
            () => random(256)));
        headers['Content-Length'] = body.length;
        if (random(2)) headers['Content-Type'] = pick(['text/plain', 'application/json; charset=utf-8']);
    }
    return { method, target, headers, body };
}

// What differs by nature, see the README of fcgi/: over HTTP the server sees the proxy's connection
// and its headers; FastCGI carries what the web server knows besides.
const differs = ['REMOTE_PORT', 'SERVER_PORT', 'SERVER_NAME', 'HTTP_CONNECTION', 'DOCUMENT_URI',
    'DOCUMENT_ROOT', 'REQUEST_SCHEME', 'SERVER_SOFTWARE', 'REMOTE_USER', 'SERVER_ADDR',
    'REDIRECT_STATUS'];

function comparable(answer) {
    const headers = { ...answer.headers };
    delete headers.date;
    let body = answer.body.toString('latin1');
    if (body.startsWith('{"environ":')) {
        const shown = JSON.parse(body);
        for (const name of differs) delete shown.environ[name];
        shown.environ.HTTP_HOST = (shown.environ.HTTP_HOST || '').replace(/:\d+$/, '');
        shown.environ = Object.fromEntries(Object.entries(shown.environ).sort());
        body = shown;
        delete headers['content-length'];  // of a text that the differences are part of
    } else if (answer.headMethod) {
        delete headers['content-length'];
    }
    return { status: answer.status, headers, body };
}

async function compareRequests(total) {
    const port = await freePort();
    const backend = new ServerProcess([options.server, '--fastcgi', String(port)]);
    await backend.start();
    const overHttp = new Nginx({ routes: [{ path: '/', proxy: `127.0.0.1:${backend.port}`, keep: true }] });
    const overFcgi = new Nginx({ routes: [{ path: '/', fastcgi: `127.0.0.1:${port}`, keep: true }] });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
    try {
        await overHttp.start();
        await overFcgi.start();
        const random = generator(20261123);
        let made = 0;
        const statuses = {};
        const work = async () => {
            while (made < total) {
                const number = made++;
                const request = generated(random);
                const [one, other] = await Promise.all([overHttp, overFcgi].map((front) =>
                    fetchRaw(front.url + request.target, { ...request, agent })));
                one.headMethod = other.headMethod = request.method === 'HEAD';
                statuses[one.status] = (statuses[one.status] || 0) + 1;
                assert.deepStrictEqual(comparable(other), comparable(one),
                    `request ${number}: ${JSON.stringify({ ...request, body: undefined })}`);
            }
        };
        await Promise.all(Array.from({ length: 16 }, work));
        assert.ok(statuses[200] > total / 2 && statuses[400] > 0, JSON.stringify(statuses));
    } finally {
        agent.destroy();
        for (const front of [overHttp, overFcgi]) if (front.child) await front.stop();
        await backend.stop();
    }
}

// ------------------------------------------------------------------------------------------------
// An Engine.IO client of our own, each request on a connection of its own: what a reload of nginx
// does to connections that are kept is the client's affair.

class Poller {
    constructor(url) {
        this.url = url;
        this.received = [];
        this.waiting = [];
    }

    async request(method, body) {
        const answer = await fetchRaw(this.target, { method, body, agent: false,
            headers: { Connection: 'close', ...(body ? { 'Content-Length': Buffer.byteLength(body) } : {}) } });
        assert.strictEqual(answer.status, 200, answer.body.toString());
        return answer.body.toString();
    }

    get target() {
        return `${this.url}/socket.io/?EIO=4&transport=polling${this.sid ? `&sid=${this.sid}` : ''}`;
    }

    async open() {
        this.sid = JSON.parse((await this.request('GET')).slice(1)).sid;
        await this.request('POST', '40');
        this.polling = this.poll();
    }

    async poll() {
        while (!this.over)
            for (const packet of (await this.request('GET')).split('\x1e')) {
                if (packet === '2') await this.request('POST', '3');
                else if (packet.startsWith('42["echo",')) this.receive(JSON.parse(packet.slice(2))[1]);
            }
    }

    receive(number) {
        this.received.push(number);
        this.waiting = this.waiting.filter(({ count, resolve }) => {
            if (this.received.length < count) return true;
            resolve();
            return false;
        });
    }

    // Waits until `count` echoes have come: 20 s, or as long as the polling goes well.
    async has(count) {
        if (this.received.length >= count) return;
        let timer;
        const came = new Promise((resolve) => this.waiting.push({ count, resolve }));
        const late = new Promise((_, reject) => {
            timer = setTimeout(() => reject(new Error(
                `echo ${count} did not come behind ${this.received.length}`)), 20000);
        });
        await Promise.race([came, late, this.polling]).finally(() => clearTimeout(timer));
    }

    send(number) {
        return this.request('POST', `42${JSON.stringify(['echo', number])}`);
    }

    async end(count) {
        await this.has(count);
        this.over = true;
        await this.request('POST', '1');
        await this.polling.catch(() => {});
        assert.deepStrictEqual(this.received, [...Array(count).keys()]);
    }
}

async function reloadUnderLoad(server) {
    const pollers = Array.from({ length: 40 }, () => new Poller(server.url));
    await Promise.all(pollers.map((poller) => poller.open()));
    let reloading = true;
    let failure;
    const loads = pollers.map(async (poller) => {
        let sent = 0;
        while (reloading && !failure) {
            await poller.send(sent++);
            await poller.has(sent);
        }
        return sent;
    });
    for (const load of loads) load.catch((error) => (failure = error));
    for (const poller of pollers) poller.polling.catch((error) => (failure = error));
    try {
        for (let i = 0; i < 20; ++i) {
            await server.front.reload();
            // Each of them goes on.
            await Promise.all(pollers.map((poller) => poller.has(poller.received.length + 1)));
        }
        await eventually(() => server.front.workers().length === 1, 'the end of the old workers');
    } finally {
        reloading = false;
    }
    const sent = await Promise.all(loads);
    if (failure) throw failure;
    assert.ok(sent.every((count) => count >= 5), `load: ${sent}`);
    await Promise.all(pollers.map((poller, i) => poller.end(sent[i])));
}

// ------------------------------------------------------------------------------------------------
// An independent client: cgi-fcgi, of the FastCGI developer's kit

async function cgiFcgi(address, variables, body = '') {
    const child = spawn('/usr/bin/cgi-fcgi', ['-bind', '-connect', address], {
        env: { SERVER_PROTOCOL: 'HTTP/1.1', GATEWAY_INTERFACE: 'CGI/1.1', ...variables },
        // Without a body it may be gone before it has read that there is none.
        stdio: [body ? 'pipe' : 'ignore', 'pipe', 'inherit'],
    });
    if (body) child.stdin.end(body);
    let text = '';
    for await (const data of child.stdout) text += data.toString('latin1');
    return text;
}

async function independentClient() {
    const socket = path.join(folder, 'independent.sock');
    const port = await freePort();
    const backend = new ServerProcess([options.server, '--fastcgi', socket, '--fastcgi', String(port)]);
    await backend.start();
    try {
        for (const address of [socket, `127.0.0.1:${port}`]) {
            const query = { SCRIPT_NAME: '/socket.io/', REQUEST_METHOD: 'GET' };
            const open = await cgiFcgi(address, { ...query, QUERY_STRING: 'EIO=4&transport=polling' });
            assert.match(open, /^Status: 200 OK\r\n[^]*\r\n\r\n0\{"sid":"[^"]{20}","upgrades":\[\],/);
            const sid = /"sid":"([^"]*)"/.exec(open)[1];
            const session = { ...query, QUERY_STRING: `EIO=4&transport=polling&sid=${sid}` };
            const post = (body) => cgiFcgi(address, {
                ...session, REQUEST_METHOD: 'POST', CONTENT_LENGTH: String(Buffer.byteLength(body)),
            }, body);
            assert.match(await post('40'), /\r\n\r\nok$/);
            assert.match(await cgiFcgi(address, session), /\r\n\r\n40\{"sid":"/);
            const large = 'x'.repeat(200000);
            assert.match(await post(`42["echo","${large}"]`), /\r\n\r\nok$/);
            let echoed = '';
            while (!echoed.includes(large)) echoed = await cgiFcgi(address, session);
            assert.match(await post('1'), /\r\n\r\nok$/);
        }
    } finally {
        await backend.stop();
    }
}

// ------------------------------------------------------------------------------------------------
// CGI without a server

async function cgiWithoutServer(front) {
    const missing = path.join(folder, 'nobody.sock');
    const web = new front({ routes: [{ path: '/socket.io', cgi: options.cgi,
        environment: { POCO_SOCKETIO_FASTCGI: missing } }] });
    await web.start();
    try {
        const answer = await fetchRaw(`${web.url}/socket.io/?EIO=4&transport=polling`);
        assert.strictEqual(answer.status, 503, web.log());
        assert.match(answer.body.toString(), /no server is behind this/);
        assert.ok(!answer.body.toString().includes(missing));
        // What a web server makes of this query is no address.
        const argument = await fetchRaw(`${web.url}/socket.io/?/etc/passwd`);
        assert.strictEqual(argument.status, 503);
    } finally {
        await web.stop();
    }
}

// ------------------------------------------------------------------------------------------------

// A client that goes away while it polls ends its session. nginx tells by closing its connection;
// lighttpd and Apache look at their client only when they write, and neither close theirs nor send
// AbortRequest, so that there the heartbeat ends the session.
async function goneClientEndsSession(server, reason) {
    // Over HTTP: the requests over FastCGI are the poller's alone.
    const witness = connect('4.8', 'polling', server.backend.url);
    await witness.next('welcome');
    const requests = async () => (await witness.call('fastcgi requests'))[0];
    const poller = new Poller(server.url);
    poller.over = true;
    await poller.open();
    await poller.polling;
    await poller.request('GET').catch(() => {});
    const { hostname, port } = new URL(server.url);
    const socket = net.connect(port, hostname);
    const target = poller.target.slice(server.url.length);
    const before = await requests();
    socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await eventually(async () => (await requests()) > before, 'the poll at the server');
    socket.destroy();
    const [left] = await witness.next('left');
    assert.match(left.reason, reason);
    witness.close();
}

async function main() {
    const wanted = (name) => name.includes(options.only);
    let browser;
    const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'chromium-'));
    const timed = async (name, run) => {
        const begin = Date.now();
        await run();
        console.error(`${name}: ${Date.now() - begin} ms`);
    };
    try {
        if (options.client && fs.existsSync(browserProgram)) {
            const { chromium } = require('../e2e/node_modules/playwright-core');
            browser = await chromium.launch({
                executablePath: browserProgram,
                env: { ...process.env, HOME: profile },
                args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
                    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
            });
        }
        for (const [name, what] of Object.entries(fronts)) {
            if (!wanted(name)) continue;
            await timed(name, () => fronted(what, async (server) => {
                await runCases(name, server, what);
                if (browser && !what.cgi)
                    await runner.test(`${name}: a page in Chromium`, () =>
                        browserSees(browser, server, what.webSocket ? 'websocket' : 'polling'));
                else
                    runner.skip();
                if (what.front === Nginx && !what.webSocket)
                    await runner.test(`${name}: a client that goes away ends its session`,
                        () => goneClientEndsSession(server, /^transport (close|error)$/));
            }).catch((error) => runner.fail(name, error)));
        }
        const others = {
            'cgi-fcgi is an independent client': independentClient,
            'CGI without a server under lighttpd': () => cgiWithoutServer(Lighttpd),
            'CGI without a server under Apache': () => cgiWithoutServer(Apache),
            ...Object.fromEntries([Lighttpd, Apache].map((front) => [
                `${front.name}: the heartbeat ends the session of a client that goes away`,
                () => fronted({ front, heartbeat: 1000 },
                    (server) => goneClientEndsSession(server, /^ping timeout$/))])),
            'nginx reloaded 20 times under load loses no polling session': () =>
                fronted({ front: Nginx, keep: true }, reloadUnderLoad),
            '10,000 requests give the same over HTTP and FastCGI': () => compareRequests(10000),
        };
        for (const [name, run] of Object.entries(others))
            if (wanted(name)) await timed(name, () => runner.test(name, run));
    } finally {
        if (browser) await browser.close().catch(() => {});
        fs.rmSync(profile, { recursive: true, force: true });
    }
}

runner.end(main);
