// Each program of examples/ with the official client: it does what its comment says.
//
//     node examples.js BIN_FOLDER
//
// Uses the client that tests/interop installs. Ends with the line "N passed, N failed".
'use strict';
const assert = require('assert');
const path = require('path');
const { io } = require('../interop/node_modules/sio-4.8');
const { Runner } = require('../support/js/runner.js');
const { ServerProcess, freePort } = require('../support/js/server-process.js');

const runner = new Runner({ deadlineMs: 30000 });
const bin = process.argv[2];
if (!bin) {
    console.error('usage: node examples.js BIN_FOLDER');
    process.exit(2);
}

const next = (socket, event) =>
    new Promise((resolve) => socket.once(event, (...args) => resolve(args)));

const examples = {
    async chat({ url, connect }) {
        const refused = connect('/', { token: 'wrong' });
        assert.strictEqual((await next(refused, 'connect_error'))[0].message, 'bad token');

        const [ann, bob] = [connect('/', { token: 'letmein' }), connect('/', { token: 'letmein' })];
        await Promise.all([next(ann, 'connect'), next(bob, 'connect')]);
        const message = { user: 'Ann', text: 'hello' };
        const heardByAnn = [];
        ann.on('chat message', (heard) => heardByAnn.push(heard));
        const heardByBob = next(bob, 'chat message');
        assert.strictEqual(await ann.emitWithAck('chat message', message), 'delivered');
        assert.deepStrictEqual(await heardByBob, [message]);
        const answer = { user: 'Bob', text: 'hello Ann' };
        const answered = next(ann, 'chat message');
        bob.emit('chat message', answer);
        await answered;
        assert.deepStrictEqual(heardByAnn, [answer]);  // never her own

        const page = await fetch(`${url}/`);
        assert.strictEqual(page.status, 200);
        assert.match(page.headers.get('content-type'), /^text\/html/);
    },

    async namespaces_and_rooms({ connect }) {
        const [one, two] = [connect('/game'), connect('/game')];
        await Promise.all([next(one, 'connect'), next(two, 'connect')]);
        assert.deepStrictEqual(await one.emitWithAck('join', 'den'), { players: 1 });
        const joined = next(one, 'joined');
        assert.deepStrictEqual(await two.emitWithAck('join', 'den'), { players: 2 });
        assert.deepStrictEqual(await joined, [two.id]);
        const moved = next(two, 'moved');
        one.emit('move', 1.5, -2);
        assert.deepStrictEqual(await moved, [one.id, 1.5, -2]);
        one.on('favourite colour?', (answer) => answer('blue'));
        assert.strictEqual(await one.emitWithAck('ask'), 'blue');

        await next(connect('/admin', { password: 'guess' }), 'connect_error');
        const admin = connect('/admin', { password: 'secret' });
        assert.deepStrictEqual(await admin.emitWithAck('rooms', one.id), [one.id, 'den']);
        const closed = [next(one, 'closed'), next(two, 'closed')];
        await admin.emitWithAck('close', 'den');
        assert.deepStrictEqual(await Promise.all(closed), [['den'], ['den']]);
        assert.deepStrictEqual(await admin.emitWithAck('rooms', one.id), [one.id]);
    },

    async background_emitter({ url, connect }) {
        const client = connect('/');
        const [first] = await next(client, 'tick');
        const [second] = await next(client, 'tick');
        assert.ok(second.seconds > first.seconds);
        const counted = [];
        const zero = new Promise((resolve) => {
            client.on('countdown', (n) => counted.push(n) && n === 0 && resolve());
        });
        client.emit('countdown', 3);
        await zero;
        assert.deepStrictEqual(counted, [3, 2, 1, 0]);
        const status = await fetch(`${url}/status`);
        assert.strictEqual(await status.text(), '1 clients see the clock\n');
    },
};

// Twice: our server in the place of POCO's, and mounted in POCO's.
for (const mode of ['', ' --mount']) {
    examples['poco_application' + mode] = async ({ url, connect }) => {
        const page = async (name) => (await fetch(`${url}/${name}`)).text();
        assert.strictEqual(await page('a'), 'hello /a\n');
        const client = connect('/');
        const upgraded = new Promise((resolve) => client.io.engine.once('upgrade', resolve));
        await next(client, 'connect');
        assert.strictEqual(await client.emitWithAck('greet', 'ann'), 'hello ann');
        await upgraded;
        assert.strictEqual(await client.emitWithAck('greet', 'bob'), 'hello bob');
        assert.strictEqual(await page('b'), 'hello /b\n');
    };
}

function runExample(name, run) {
    const [program, ...options] = name.split(' ');
    const server = new ServerProcess([path.join(bin, `example_${program}`), ...options]);
    const sockets = [];
    const connect = (nsp, auth) => {
        const socket = io(server.url + nsp, { auth, forceNew: true, reconnection: false });
        sockets.push(socket);
        return socket;
    };
    return runner.test(`example ${name}`, async () => {
        await server.startOn(await freePort());
        await run({ url: server.url, connect });
    }, async () => {
        for (const socket of sockets) socket.disconnect();
        if (server.child) assert.strictEqual(await server.stop(), 0, 'the exit status');
    });
}

runner.end(async () => {
    for (const [name, run] of Object.entries(examples)) await runExample(name, run);
});
