// Two hundred clients of nginx, with conf/nginx-sticky.conf, in front of three servers of ours
// that Redis joins.
//
//     node sticky.js --server CLUSTER_SERVER --broker CLUSTER_BROKER
'use strict';
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { parseArgs } = require('util');
const { Runner } = require('../support/js/runner.js');
const { Nginx } = require('../support/js/web-servers.js');
const { Brokers, Cluster, serverCommand } = require('./cluster.js');

const { values: options } = parseArgs({
    options: { server: { type: 'string' }, broker: { type: 'string' } },
});

const SERVERS = 3, CLIENTS = 200, ROOMS = 7;

// nginx as conf/ has it, but for the ports.
class StickyNginx extends Nginx {
    constructor(ports) {
        super({ routes: [] });
        this.ports = ports;
    }

    http() {
        const file = path.join(__dirname, '../../conf/nginx-sticky.conf');
        return [
            [/( *server 127\.0\.0\.1:\d+;\n)+/,
                this.ports.map((port) => `    server 127.0.0.1:${port};\n`).join('')],
            ['listen 80;', `listen 127.0.0.1:${this.port} backlog=1024;`],
        ].reduce((text, [from, to]) => {
            assert.notStrictEqual(text.search(from), -1, `${from} in ${file}`);
            return text.replace(from, to);
        }, fs.readFileSync(file, 'utf8'));
    }
}

// What has come of `news` since the last call.
async function takeNews(member) {
    const got = [];
    while (member.client.pending('news')) got.push((await member.next('news'))[0]);
    return got;
}

const runner = new Runner({ deadlineMs: 40000 });
const brokers = new Brokers(options.broker);
let cluster, nginx;
let askers;         // a client of each server, past nginx
const clients = []; // through nginx

// All that any server emitted before has arrived.
async function fences() {
    for (const asker of askers) await cluster.fence(asker);
}

const cases = {
    async 'lets two hundred clients in'() {
        const url = await brokers.url('redis');
        cluster = new Cluster(Array.from({ length: SERVERS },
            () => serverCommand(options.server, 'json', url, 'socketio')));
        await cluster.start();
        nginx = new StickyNginx(cluster.servers.map(({ port }) => port));
        await nginx.start();
        askers = await Promise.all(cluster.servers.map((_, i) => cluster.join(i)));
        await cluster.joined(askers);
        // Every third client polls; among the others there are old ones.
        clients.push(...await Promise.all(Array.from({ length: CLIENTS }, (_, i) => cluster.join(null, {
            url: nginx.url,
            version: i % 4 === 0 ? '2.5.0' : '4.8',
            mode: ['polling', 'websocket', 'upgrade'][i % 3],
            headers: { 'User-Agent': `browser ${i}` },
        }))));
    },

    async 'spreads them over the servers'() {
        for (const [i, asker] of askers.entries()) await asker.emit('news', [i], { local: true });
        await fences();
        for (const client of clients) {
            const got = await takeNews(client);
            assert.strictEqual(got.length, 1, `${client.name} is on ${got.length} servers`);
            client.server = got[0];
        }
        for (const asker of askers) {
            const here = clients.filter(({ server }) => server === asker.server).length;
            assert.ok(here >= CLIENTS / SERVERS / 3, `${here} clients on a server`);
            await takeNews(asker);
        }
    },

    async 'brings every broadcast to each once and in order'() {
        const sent = askers.map(() => []);
        const emit = (member, text) => {
            sent[member.server].push(text);
            return member.emit('news', [text]);
        };
        await Promise.all([
            ...clients.map((client, i) => emit(client, `client ${i}`)),
            ...askers.map(async (asker) => {
                for (let i = 0; i < 50; ++i) await emit(asker, `server ${asker.server}, ${i}`);
            }),
        ]);
        await fences();
        const all = sent.flat().sort();
        assert.strictEqual(all.length, CLIENTS + SERVERS * 50);
        for (const member of cluster.members) {
            const got = await takeNews(member);
            for (const { server } of askers)
                assert.deepStrictEqual(got.filter((text) => text.startsWith(`server ${server}`)),
                    sent[server].filter((text) => text.startsWith('server')), member.name);
            assert.deepStrictEqual(got.sort(), all, member.name);
        }
    },

    async 'has rooms over all servers'() {
        const room = (i) => `room ${i % ROOMS}`;
        // Half of them is entered by the next server.
        await Promise.all(clients.map((client, i) =>
            (i % 2 ? client : askers[(client.server + 1) % SERVERS]).ask('enter', client.sid, room(i))));
        await fences();
        for (const asker of askers)
            for (let i = 0; i < ROOMS; ++i)
                await asker.emit('news', [`${room(i)} of ${asker.server}`], { room: room(i) });
        await fences();
        for (const [i, client] of clients.entries())
            assert.deepStrictEqual((await takeNews(client)).sort(),
                askers.map(({ server }) => `${room(i)} of ${server}`), client.name);
        for (const asker of askers) assert.deepStrictEqual(await takeNews(asker), []);
    },

    async 'brings acknowledgements back from every server'() {
        clients.forEach((client, i) => (client.answers = ['I am', i]));
        await Promise.all(clients.map(async (client, i) => {
            const other = (i + 1) % CLIENTS;
            assert.deepStrictEqual(
                await client.client.call('call',
                    { sid: clients[other].sid, event: 'question', args: ['who?'] }),
                [['I am', other]], client.name);
        }));
    },

    async 'has lost nothing'() {
        for (const asker of askers) {
            const [{ publishDropped, receiveDropped, ignored, missed }] =
                await asker.client.call('counters');
            assert.deepStrictEqual([publishDropped, receiveDropped, ignored, missed], [0, 0, 0, 0]);
        }
        assert.strictEqual(nginx.log(), '');
    },
};

async function main() {
    try {
        for (const [what, run] of Object.entries(cases)) {
            const begin = Date.now();
            if (!await runner.test(`nginx in front ${what}`, run)) break;
            console.error(`${what}: ${Date.now() - begin} ms`);
        }
    } finally {
        if (cluster) await cluster.stop();
        if (nginx) await nginx.stop();
        await brokers.stop();
    }
}

runner.end(main);
