// A server program under test, run as a child process that never outlives the driver.
//
// The program says on its standard output, in a line of its own, when it accepts connections:
// `listening on PORT` or `serving on http://HOST:PORT`.
'use strict';
const { spawn } = require('child_process');

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

class ServerProcess {
    // command: the program and its arguments.
    constructor(command) {
        this.command = command;
        this.port = 0;
    }

    get url() {
        return `http://127.0.0.1:${this.port}`;
    }

    // Starts the program, after a stop() on the port it had before.
    async start() {
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
        const listening = new Promise((resolve) => {
            let text = '';
            child.stdout.on('data', (data) => {
                text += data;
                const line = /^(?:listening|serving) on (?:\S+:)?(\d+)$/m.exec(text);
                if (line) resolve(Number(line[1]));
            });
        });
        const failed = this.exited.then((status) => {
            throw new Error(`${program} ended before it listened: ${status}`);
        });
        let timer;
        const late = new Promise((_, reject) => {
            timer = setTimeout(() => reject(new Error(`${program} does not listen`)), 10000);
        });
        try {
            this.port = await Promise.race([listening, failed, late]);
        } finally {
            clearTimeout(timer);
            failed.catch(() => {});
        }
    }

    // Asks the program to end and gives its exit status, or the signal that ended it.
    async stop(how = 'SIGTERM') {
        this.child.kill(how);
        const timer = setTimeout(() => this.child.kill('SIGKILL'), 10000);
        const status = await this.exited;
        clearTimeout(timer);
        return status;
    }
}

module.exports = { ServerProcess };
