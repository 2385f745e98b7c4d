// Several servers on one channel, ours and python-socketio's: what clients of one are sent by
// another.
//
//     node servers.js --server CLUSTER_SERVER --broker CLUSTER_BROKER [--setup TEXT] [--case TEXT]
//
// Each case runs in each setup, with the servers in every role.
'use strict';
const assert = require('assert');
const { parseArgs } = require('util');
const { Runner } = require('../support/js/runner.js');
const { runSetups } = require('./cluster.js');

const { values: options } = parseArgs({
    options: {
        server: { type: 'string' },
        broker: { type: 'string' },
        setup: { type: 'string', default: '' },
        case: { type: 'string', default: '' },
    },
});

// broker: the scheme of createManager(). servers: the dialect that each of ours writes, or
// python-socketio: 5.7.2 as it is, which writes pickle, or with the messages of today's.
const setups = [
    { broker: 'redis', servers: ['json', 'json'] },
    { broker: 'redis', servers: ['json', 'pickle', 'json'] },
    { broker: 'redis', servers: ['legacy-json', 'legacy-json'] },
    { broker: 'redis', servers: ['pickle', 'python pickle'] },
    { broker: 'redis', servers: ['json', 'python json', 'json'] },
    { broker: 'kombu+redis', servers: ['json', 'json'] },
    { broker: 'kombu+redis', servers: ['pickle', 'python pickle'] },
    { broker: 'amqp', servers: ['json', 'pickle', 'json'] },
    { broker: 'amqp', servers: ['pickle', 'python pickle'] },
    { broker: 'amqp', servers: ['json', 'python json', 'json'] },
];

const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

// What an event may carry.
const contents = {
    'nothing': [],
    'null': [null],
    'text': ['über — 漢字 🎉 "quoted" \\ / \n\u2028'],
    'an empty text': [''],
    'a number': [1.5],
    'an object': [{ a: { b: [{ c: null }] }, '': 'empty key', 'ключ': true }],
    'several': ['a', 1, { x: -1 }, [1, 2], null, false],
    'a list': [[1, 'two', [3]]],
    'a list of one': [['x']],
    'a list of null': [[null]],
    'an empty list': [[]],
    'lists': [[1], [2]],
    'binary': [bytes],
    'empty binary': [Buffer.alloc(0)],
    'several binary': [bytes, 'between', Buffer.from([0])],
    'nested binary': [{ name: 'nested', parts: [Buffer.from([1, 2, 3]), { deep: bytes }, 'text'] }, 7],
    'a list with binary': [[bytes, 1]],
};

const usesPython = ({ servers }) => servers.some((each) => each.startsWith('python'));

// Which contents have no form of their own: where it is read, they are something else.
const formless = ({ servers }) => [
    // No argument and one that is null are both None.
    ...(usesPython({ servers }) || servers.includes('legacy-json') ? ['null'] : []),
    // Several arguments and a list of them are both a list.
    ...(servers.includes('legacy-json') ? ['several', 'lists', 'several binary', 'nested binary'] : []),
];

// Each is run for each server whose clients ask, with
//     cluster   the Cluster
//     asker     the client that asks its server
//     others    the clients of "/", of the same and of other servers, without the asker
//     setup     of the table above
const cases = {
    async 'sends the same packet as any server'({ cluster, asker, setup, packets }) {
        for (const [what, args] of Object.entries(contents)) {
            if (formless(setup).includes(what)) continue;
            await asker.emit('news', args);
            await cluster.news(asker, cluster.members.filter(({ nsp }) => nsp === '/'), [args]);
            for (const member of cluster.members) {
                if (member.nsp !== '/') continue;
                const got = member.takePackets('news');
                const key = `${member.sid} ${what}`;
                if (!packets.has(key)) packets.set(key, got);
                assert.deepStrictEqual(got, packets.get(key), `${member.name}: ${what}`);
                assert.strictEqual(got.length, 1);
            }
        }
    },

    async 'emits to a room'({ cluster, asker, others }) {
        const inside = others.filter((_, i) => i % 2 === 0);
        for (const member of inside) await member.ask('enter', member.sid, 'den');
        await asker.emit('news', ['den'], { room: 'den' });
        await cluster.news(asker, inside, [['den']]);
        for (const member of inside) await member.ask('exit', member.sid, 'den');
        await asker.emit('news', ['empty den'], { room: 'den' });
        await cluster.news(asker, [], []);
    },

    async 'emits once to who is in two rooms'({ cluster, asker, others }) {
        for (const member of others) await member.ask('enter', member.sid, 'one');
        for (const member of others.slice(1)) await member.ask('enter', member.sid, 'two');
        await asker.emit('news', [], { room: ['one', 'two', asker.sid] });
        await cluster.news(asker, [...others, asker], [[]]);
        for (const room of ['one', 'two']) await asker.ask('close', room);
        await cluster.fence(asker);
    },

    async 'emits to a client'({ cluster, asker, others }) {
        for (const member of others) {
            await asker.emit('news', [bytes], { room: member.sid });
            await cluster.news(asker, [member], [[bytes]]);
        }
    },

    async 'skips clients'({ cluster, asker, others }) {
        for (const member of others) {
            await asker.emit('news', [1], { skip: member.sid });
            await cluster.news(asker, [...others, asker].filter((each) => each !== member), [[1]]);
        }
        await asker.emit('news', [2], { skip: others.map(({ sid }) => sid) });
        await cluster.news(asker, [asker], [[2]]);
    },

    async 'emits to the clients of its own server alone'({ cluster, asker, others }) {
        await asker.emit('news', ['here'], { local: true });
        const here = [...others, asker].filter(({ server }) => server === asker.server);
        await cluster.news(asker, here, [['here']]);
    },

    async 'closes a room'({ cluster, asker, others }) {
        for (const member of others) await member.ask('enter', member.sid, 'hall');
        await asker.emit('news', ['open'], { room: 'hall' });
        await asker.ask('close', 'hall');
        await asker.emit('news', ['closed'], { room: 'hall' });
        await cluster.news(asker, others, [['open']]);
        for (const member of others)
            assert.deepStrictEqual(await member.client.call('rooms'), [[member.sid]]);
    },

    async 'disconnects a client'({ cluster, asker, others }) {
        for (const { server, client: { version } } of others) {
            const leaving = await cluster.join(server, { version });
            await asker.ask('disconnect client', leaving.sid);
            assert.strictEqual((await leaving.next('disconnect'))[0], 'io server disconnect');
            cluster.leave(leaving);
        }
        await asker.emit('news', ['still here']);
        await cluster.news(asker, [...others, asker], [['still here']]);
    },

    async 'enters and leaves rooms for a client'({ cluster, asker, others, setup }) {
        // python-socketio 5.7.2 neither sends these nor knows them.
        const reached = usesPython(setup)
            ? others.filter(({ server }) => !setup.servers[server].startsWith('python'))
            : others;
        if (setup.servers[asker.server].startsWith('python')) return;
        for (const member of reached) {
            await asker.ask('enter', member.sid, 'guests');
            await asker.emit('news', ['guest'], { room: 'guests' });
            await asker.ask('exit', member.sid, 'guests');
            await asker.emit('news', ['nobody'], { room: 'guests' });
            await cluster.news(asker, [member], [['guest']]);
        }
    },

    async 'is called back'({ asker, others, setup }) {
        const answers = [[], ['one'], ['yes', { n: 1 }], [[1, 2]], [null, 2]];
        // Today's python-socketio has no form for these.
        if (!setup.servers.includes('python json')) answers.push([bytes, { deep: [bytes] }]);
        for (const member of others) {
            for (const answer of answers) {
                member.answers = answer;
                await asker.emit('question', ['well'], { room: member.sid, ask: true });
                assert.deepStrictEqual(await asker.next('answer'), answer, member.name);
            }
        }
    },

    async 'is called back once by a room'({ cluster, asker, others, setup }) {
        if (setup.servers[asker.server].startsWith('python')) return;  // 5.7.2 logs an error
        for (const member of others) {
            member.answers = ['heard'];
            await member.ask('enter', member.sid, 'jury');
        }
        await asker.emit('question', ['all of you'], { room: 'jury', ask: true });
        assert.deepStrictEqual(await asker.next('answer'), ['heard']);
        await asker.ask('close', 'jury');
        // Every answer that is to come has come before that of a later question.
        for (const member of others) {
            member.answers = ['later'];
            await asker.emit('question', [], { room: member.sid, ask: true });
            assert.deepStrictEqual(await asker.next('answer'), ['later']);
        }
        await cluster.fence(asker);
        assert.strictEqual(asker.client.pending('answer'), 0);
    },

    async 'calls a client'({ asker, others, setup }) {
        const call = (request) =>
            asker.client.call('call', { event: 'question', args: ['and', bytes], ...request });
        for (const member of others) {
            member.answers = ['yes', { n: 1 }];
            assert.deepStrictEqual(await call({ sid: member.sid }), [['yes', { n: 1 }]], member.name);
        }
        const [{ error }] = await call({ sid: 'nobody', timeout: 100 });
        assert.match(error, /[Tt]imeout/);
    },

    async 'keeps namespaces apart'({ cluster, asker, setup }) {
        const chat = [];
        for (const server of setup.servers.keys()) chat.push(await cluster.join(server, { nsp: '/chat' }));
        const [chatter] = chat.filter(({ server }) => server === asker.server);
        await chatter.emit('news', ['chat']);
        await cluster.news(chatter, chat, [['chat']]);
        for (const member of chat) await member.ask('enter', member.sid, 'den');
        await asker.emit('news', ['not for the chat'], { room: 'den' });
        await cluster.news(asker, [], []);
        for (const member of chat) cluster.leave(member);
    },

    // The last one: of all that the others did.
    async 'has understood everything and lost nothing'({ asker, setup }) {
        if (setup.servers[asker.server].startsWith('python')) return;
        const [{ published, received, ...lost }] = await asker.client.call('counters');
        assert.ok(published > 0 && received > 0);
        assert.deepStrictEqual(lost,
            { publishDropped: 0, receiveDropped: 0, ignored: 0, missed: 0, reconnects: 0 });
    },
};

const runner = new Runner({ deadlineMs: 20000 });

async function runSetup({ setup, name, cluster }) {
    const askers = [], modes = ['websocket', 'polling', 'upgrade'];
    const joined = await runner.test(`${name}: the servers meet`, async () => {
        await cluster.start();
        for (const [i, server] of setup.servers.entries()) {
            askers.push(await cluster.join(i, { mode: modes[i] }));
            await cluster.join(i, { mode: modes[(i + 1) % 3] });
            // python-socketio's server speaks to clients of Engine.IO 4 alone.
            if (!server.startsWith('python')) await cluster.join(i, { version: '2.5.0', mode: modes[i] });
        }
        await cluster.joined(askers);
    });
    const members = [...cluster.members], packets = new Map();
    for (const [what, run] of Object.entries(cases)) {
        if (!joined || !what.includes(options.case)) continue;
        for (const asker of askers) {
            const others = members.filter((member) => member !== asker);
            await runner.test(`${name}: server ${asker.server} ${what}`,
                () => run({ cluster, asker, others, setup, packets }),
                () => cluster.members.filter((member) => !members.includes(member))
                    .forEach((member) => cluster.leave(member)));
        }
    }
}

runner.end(() => runSetups(options, setups, runner, runSetup));
