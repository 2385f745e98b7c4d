// A server program under test, run as a child process that never outlives the driver.
//
// The program says on its standard output, in a line of its own, when it accepts connections:
// `listening on PORT` or `serving on http://HOST:PORT`. One that says nothing is started with
// startOn(await freePort()).
'use strict';
const { spawn } = require('child_process');
const net = require('net');

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

class ServerProcess {
    // command: the program and its arguments.
    constructor(command, scheme = 'http') {
        this.command = command;
        this.scheme = scheme;
        this.port = 0;
    }

    get url() {
        return `${this.scheme}://127.0.0.1:${this.port}`;
    }

    // Starts the program, after a stop() on the port it had before.
    async start({ deadlineMs = 10000 } = {}) {
        this.spawn();
        const listening = new Promise((resolve) => {
            let text = '';
            this.child.stdout.on('data', (data) => {
                text += data;
                const line = /^(?:listening|serving) on (?:\S+:)?(\d+)$/m.exec(text);
                if (line) resolve(Number(line[1]));
            });
        });
        this.port = await this.whileItRuns(listening, deadlineMs);
    }

    // Starts the program on a port that it is told, and waits until it accepts connections.
    async startOn(port) {
        this.port = port;
        this.spawn();
        this.child.stdout.resume();
        let over = false;
        const accepts = async () => {
            while (!over && !(await canConnect(port)))
                await new Promise((resolve) => setTimeout(resolve, 10));
        };
        await this.whileItRuns(accepts()).finally(() => (over = true));
    }

    spawn() {
        const [program, ...args] = this.command;
        const child = spawn(program, [...args, '--port', String(this.port)], {
            stdio: ['ignore', 'pipe', 'inherit'],
        });
        this.child = child;
        running.add(child);
        this.exited = new Promise((resolve) => {
            child.on('exit', (code, signal) => {
                running.delete(child);
                resolve(signal || code);
            });
            child.on('error', (error) => resolve(error.message));
        });
    }

    // What `started` gives, unless the program ends first or takes too long.
    async whileItRuns(started, deadlineMs = 10000) {
        const failed = this.exited.then((status) => {
            throw new Error(`${this.command[0]} ended before it listened: ${status}`);
        });
        let timer;
        const late = new Promise((_, reject) => {
            const error = new Error(`${this.command[0]} does not listen`);
            timer = setTimeout(() => reject(error), deadlineMs);
        });
        failed.catch(() => {});  // it ends one day
        return Promise.race([started, failed, late]).finally(() => clearTimeout(timer));
    }

    // Asks the program to end and gives its exit status, or the signal that ended it. It has 30 s.
    async stop(how = 'SIGTERM') {
        this.child.kill(how);
        const timer = setTimeout(() => this.child.kill('SIGKILL'), 30000);
        const status = await this.exited;
        clearTimeout(timer);
        return status;
    }
}

function canConnect(port) {
    return new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
        socket.on('connect', () => socket.destroy());
    });
}

// A port that the kernel has just said is free.
function freePort() {
    return new Promise((resolve, reject) => {
        const server = net.createServer().on('error', reject);
        server.listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

module.exports = { ServerProcess, canConnect, freePort };
