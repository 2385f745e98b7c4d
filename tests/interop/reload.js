// The official JavaScript clients of every generation and an application that is rebuilt while the
// server program runs it with --reload: they come back by themselves, to the new one.
//
//     node reload.js --server PROGRAM --plugin LIBRARY
//
// --server is poco-socketio, --plugin the library of examples/plugin. Ends with the line
// "N passed, N failed".
'use strict';
const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { parseArgs } = require('util');
const { connect, generations, transports } = require('./clients.js');
const { Runner } = require('../support/js/runner.js');
const { ServerProcess } = require('../support/js/server-process.js');

const { values: options } = parseArgs({
    options: { server: { type: 'string' }, plugin: { type: 'string' } },
});
if (!options.server || !options.plugin) {
    console.error('usage: node reload.js --server PROGRAM --plugin LIBRARY');
    process.exit(2);
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'interop-reload-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
const library = path.join(folder, 'libchat.so');

// As a linker does: a new file in the place of the old one.
function build() {
    fs.copyFileSync(options.plugin, `${library}.new`);
    fs.renameSync(`${library}.new`, library);
}

const runner = new Runner({ deadlineMs: 30000 });

async function comeBack(server, clients) {
    for (const client of clients) await client.next('connect');
    // The number that a client is told counts what all have said to this build.
    for (const [i, client] of clients.entries())
        assert.deepStrictEqual(await client.call('say', 'hello'), [i + 1]);
    for (let round = 0; round < 2; ++round) {
        build();
        for (const client of clients) {
            const [reason] = await client.next('disconnect');
            // After this one a client would stay away.
            assert.notStrictEqual(reason, 'io server disconnect');
        }
        for (const client of clients) await client.next('connect');
        for (const [i, client] of clients.entries())
            assert.deepStrictEqual(await client.call('say', 'again'), [i + 1]);
    }
}

runner.end(async () => {
    for (const mode of Object.keys(transports)) {
        build();
        const server = new ServerProcess([options.server, '--host', '127.0.0.1', '--app', library,
            '--reload']);
        await server.start();
        const clients = Object.keys(generations).map((version) =>
            connect(version, mode, server.url));
        await runner.test(`over ${mode} all generations come back`, () => comeBack(server, clients),
            async () => {
                for (const client of clients) client.close();
                assert.strictEqual(await server.stop(), 0, 'the exit status');
            });
    }
});
