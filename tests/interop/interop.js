// The official JavaScript clients of every generation against one server, over each transport.
//
//     node interop.js --server PROGRAM     the server under test, see InteropServer.cpp
//     node interop.js --server PROGRAM --tls   the same over https and wss
//     node interop.js --reference          the official server instead, to check this driver
//
// --client VERSION, --transport MODE and --case TEXT narrow the run. Ends with the line
// "N passed, N failed[, N skipped]".
'use strict';
const { execFileSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { parseArgs } = require('util');
const { cases, skipped } = require('./cases.js');
const { connect, generations, transports } = require('./clients.js');
const { Runner } = require('../support/js/runner.js');
const { ServerProcess } = require('../support/js/server-process.js');

const { values: options } = parseArgs({
    options: {
        server: { type: 'string' },
        reference: { type: 'boolean', default: false },
        tls: { type: 'boolean', default: false },
        client: { type: 'string' },
        transport: { type: 'string' },
        case: { type: 'string', default: '' },
    },
});
if (!options.reference && !options.server) {
    console.error('usage: node interop.js --server PROGRAM | --reference');
    process.exit(2);
}
const command = options.reference
    ? [process.execPath, path.join(__dirname, 'reference-server.js')]
    : [options.server];

// A certificate of this run's own, which the clients are told to believe.
let ca;
if (options.tls) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'interop-tls-'));
    process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
        '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', path.join(folder, 'key.pem'),
        '-out', path.join(folder, 'cert.pem')], { stdio: 'ignore' });
    ca = fs.readFileSync(path.join(folder, 'cert.pem'));
    command.push('--tls', folder);
}

const runner = new Runner({ deadlineMs: 45000 });

function runCase(name, run, context) {
    const clients = [];
    const open = (caseOptions) => {
        const client = connect(context.version, context.mode, context.server.url, { ca, ...caseOptions });
        clients.push(client);
        return client;
    };
    return runner.test(`client ${context.version} over ${context.mode} ${name}`,
        () => run({ ...context, connect: open }),
        () => clients.forEach((client) => client.close()));
}

async function runGroup(version, mode) {
    const server = new ServerProcess(command, options.tls ? 'https' : 'http');
    await server.start();
    const context = { version, mode, eio: generations[version].eio, server };
    for (const [name, run] of Object.entries(cases)) {
        if (!name.includes(options.case)) continue;
        if ((skipped[version] || []).includes(name)) {
            runner.skip();
            continue;
        }
        await runCase(name, run, context);
    }
    const status = await server.stop();
    if (status !== 0)
        runner.fail(`client ${version} over ${mode}`, new Error(`the server ended with ${status}`));
}

async function main() {
    for (const version of Object.keys(generations)) {
        if (options.client && options.client !== version) continue;
        for (const mode of Object.keys(transports)) {
            if (options.transport && options.transport !== mode) continue;
            const begin = Date.now();
            await runGroup(version, mode);
            console.error(`client ${version} over ${mode}: ${Date.now() - begin} ms`);
        }
    }
}

runner.end(main);
