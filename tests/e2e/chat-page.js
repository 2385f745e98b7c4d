// The chat page of the server program in two tabs of a real browser: people talk, type, send an
// image, use rooms, see the transport upgrade and the server come back.
//
//     node chat-page.js --shots FOLDER -- PROGRAM [ARGUMENT...]
//
// The program is started with `--port N` added. Screenshots are kept in FOLDER. Ends with the line
// "N passed, N failed". What the page offers to tests is written at the top of www/chat.js.
'use strict';
const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { chromium } = require('playwright-core');
const { Runner } = require('../support/js/runner.js');
const { ServerProcess } = require('../support/js/server-process.js');

const browserProgram = '/usr/bin/chromium';
const waitDeadlineMs = 10000;
const runner = new Runner({ deadlineMs: 60000 });

const [, , shotsFlag, shots, dashes, ...command] = process.argv;
if (shotsFlag !== '--shots' || dashes !== '--' || !command.length) {
    console.error('usage: node chat-page.js --shots FOLDER -- PROGRAM [ARGUMENT...]');
    process.exit(2);
}

// A PNG of 64 x 48 pixels, drawn by the browser, that a person recognises on the screenshot.
async function picture(page) {
    const dataUrl = await page.evaluate(() => {
        const canvas = document.createElement('canvas');
        canvas.width = 64;
        canvas.height = 48;
        const context = canvas.getContext('2d');
        const colours = ['#e4572e', '#f3a712', '#29335c', '#669bbc'];
        colours.forEach((colour, i) => {
            context.fillStyle = colour;
            context.fillRect((i % 2) * 32, i < 2 ? 0 : 24, 32, 24);
        });
        return canvas.toDataURL('image/png');
    });
    return Buffer.from(dataUrl.split(',')[1], 'base64');
}

class Tab {
    static async open(browser, url, faults) {
        const tab = new Tab();
        tab.context = await browser.newContext({ viewport: { width: 1100, height: 720 } });
        tab.page = await tab.context.newPage();
        tab.page.setDefaultTimeout(waitDeadlineMs);
        tab.page.on('pageerror', (error) => faults.push(String(error)));
        tab.page.on('console', (message) => {
            if (message.type() === 'error') faults.push(message.text());
        });
        await tab.page.goto(url);
        return tab;
    }

    async enter(name) {
        await this.page.fill('#name', name);
        await this.page.click('#enter');
        await this.sees('#connection[data-state=online]');
        await this.sees('#chat[data-room=lobby]');
    }

    async say(text) {
        await this.page.fill('#text', text);
        await this.page.click('#send');
    }

    async sees(selector) {
        await this.page.waitForSelector(selector);
    }

    // Waits until nothing matches.
    async misses(selector) {
        await this.page.waitForSelector(selector, { state: 'detached' });
    }

    async message(selector, text) {
        await this.page.waitForFunction(
            ([query, wanted]) =>
                [...document.querySelectorAll(query)].some((one) => one.textContent === wanted),
            [`#messages ${selector} .body`, text]);
    }

    texts() {
        const textOf = (all) => all.map((one) => one.textContent);
        return this.page.$$eval('#messages .message .body', textOf);
    }
}

const steps = {
    async 'the page and the official client load without an error'({ server, faults }) {
        for (const name of ['socket.io.js', 'socket.io.min.js', 'socket.io.js.map']) {
            const answer = await fetch(`${server.url}/socket.io/${name}`);
            assert.strictEqual(answer.status, 200, name);
            assert.ok((await answer.text()).length > 10000, name);
        }
        assert.deepStrictEqual(faults, []);
    },

    async 'two people enter and see each other'({ ann, bob }) {
        await ann.enter('Ann');
        await bob.enter('Bob');
        for (const tab of [ann, bob])
            for (const name of ['Ann', 'Bob']) await tab.sees(`#people [data-person=${name}]`);
    },

    async 'the transport is seen to upgrade'({ ann, bob }) {
        for (const tab of [ann, bob])
            await tab.sees('#transport[data-transport=websocket][data-history="polling,websocket"]');
    },

    async 'what one says the other reads, and it is seen to be delivered'({ ann, bob }) {
        await ann.say('Hello Bob — grüß dich ✓');
        await bob.message('[data-from=Ann]', 'Hello Bob — grüß dich ✓');
        await ann.sees('#messages [data-mine=true][data-state=delivered]');
        await bob.say('Hello Ann');
        await ann.message('[data-from=Bob]', 'Hello Ann');
    },

    async 'markup is shown and not run'({ ann, bob }) {
        const text = '<img src=x onerror="document.title=1"><b>bold</b>';
        await ann.say(text);
        await bob.message('[data-from=Ann]', text);
        assert.strictEqual(await bob.page.title(), 'poco-socketio chat');
    },

    async 'typing is seen, and its end'({ ann, bob }) {
        await bob.page.type('#text', 'I am');
        await ann.sees('#typing[data-people=Bob]');
        await bob.page.fill('#text', '');
        await ann.sees('#typing[data-people=""]');
    },

    async 'an image arrives whole'({ ann, bob }) {
        const buffer = await picture(ann.page);
        await ann.page.setInputFiles('#image', { name: 'flag.png', mimeType: 'image/png', buffer });
        const fromAnn = '#messages [data-kind=image][data-from=Ann] img';
        const image = await bob.page.waitForSelector(fromAnn);
        await bob.page.waitForFunction((one) => one.complete && one.naturalWidth > 0, image);
        const size = await image.evaluate((one) => [one.naturalWidth, one.naturalHeight]);
        assert.deepStrictEqual(size, [64, 48]);
        const pixel = await image.evaluate((one) => {
            const canvas = document.createElement('canvas');
            canvas.width = one.naturalWidth;
            canvas.height = one.naturalHeight;
            const context = canvas.getContext('2d');
            context.drawImage(one, 0, 0);
            return [...context.getImageData(0, 0, 1, 1).data];
        });
        assert.deepStrictEqual(pixel, [0xe4, 0x57, 0x2e, 255]);
        await ann.sees('#messages [data-kind=image][data-state=delivered]');
        await bob.page.screenshot({ path: path.join(shots, 'chat.png') });
    },

    async 'a room is heard by those who are in it'({ ann, bob }) {
        await ann.page.fill('#room', 'garden');
        await ann.page.click('#join');
        await ann.sees('#chat[data-room=garden]');
        await ann.say('for nobody yet');
        await ann.message('[data-mine=true]', 'for nobody yet');
        await bob.sees('#rooms [data-room=garden][data-joined=false]');
        await bob.page.click('#rooms [data-room=garden] button');
        await bob.sees('#chat[data-room=garden]');
        await ann.sees('#people [data-person=Bob]');
        await ann.say('Nice roses');
        await bob.message('[data-from=Ann]', 'Nice roses');
        assert.deepStrictEqual(await bob.texts(), ['Nice roses']);
        await bob.page.click('#leave');
        await bob.sees('#chat[data-room=lobby]');
        await ann.misses('#people [data-person=Bob]');
        await ann.page.click('#rooms [data-room=lobby] button');
        await ann.sees('#chat[data-room=lobby]');
        assert.ok(!(await ann.texts()).includes('Nice roses'));
    },

    async 'both come back after the server was restarted'({ server, ann, bob, faults }) {
        const before = faults.length;
        assert.strictEqual(await server.stop(), 0);
        for (const tab of [ann, bob]) await tab.sees('#connection[data-state=connecting]');
        await server.start();
        for (const tab of [ann, bob]) {
            await tab.sees('#connection[data-state=online]');
            await tab.sees('#transport[data-history="polling,websocket"]');
            for (const name of ['Ann', 'Bob']) await tab.sees(`#people [data-person=${name}]`);
        }
        await bob.say('Still there?');
        await ann.message('[data-from=Bob]', 'Still there?');
        faults.length = before;  // the browser reports each attempt that found no server
    },

    async 'who closes the tab is seen to leave'({ ann, bob }) {
        await bob.page.close();
        await ann.misses('#people [data-person=Bob]');
        await ann.page.screenshot({ path: path.join(shots, 'chat-alone.png') });
    },

    async 'the browser reported no error'({ faults }) {
        assert.deepStrictEqual(faults, []);
    },
};

async function main() {
    fs.mkdirSync(shots, { recursive: true });
    const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'e2e-'));
    let browser;
    try {
        const server = new ServerProcess(command);
        await server.start();
        browser = await chromium.launch({
            executablePath: browserProgram,
            env: { ...process.env, HOME: profile },
            args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
                '--disable-background-networking', '--disable-component-update', '--disable-sync'],
        });
        const faults = [];
        const ann = await Tab.open(browser, server.url, faults);
        const bob = await Tab.open(browser, server.url, faults);
        for (const [name, run] of Object.entries(steps)) {
            if (await runner.test(name, () => run({ server, ann, bob, faults }))) continue;
            const shot = path.join(shots, `failed-${runner.failed}.png`);
            await ann.page.screenshot({ path: shot }).catch(() => {});
        }
        const status = await server.stop();
        if (status !== 0) runner.fail('the server', new Error(`it ended with ${status}`));
    } finally {
        if (browser) await browser.close().catch(() => {});
        fs.rmSync(profile, { recursive: true, force: true });
    }
}

runner.end(main);
