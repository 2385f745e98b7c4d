// Runs the tests of a driver, one after the other, each with a deadline, and counts them.
//
//     const runner = new Runner({ deadlineMs: 30000 });
//     runner.end(async () => { await runner.test('what it shows', async () => ...); });
//
// The last line of the driver is "N passed, N failed[, N skipped]", which `./dev test` adds up.
'use strict';

class Runner {
    constructor({ deadlineMs }) {
        this.deadlineMs = deadlineMs;
        this.passed = 0;
        this.failed = 0;
        this.skipped = 0;
        // An error thrown inside a client's own callback belongs to the test that runs.
        this.failTest = () => {};
        process.on('uncaughtException', (error) => this.failTest(error));
        process.on('unhandledRejection', (error) => this.failTest(error));
    }

    // `after` tidies up, also when `run` has failed or does not end; it may fail the test, too.
    // Gives whether it has passed.
    async test(name, run, after = () => {}) {
        let timer;
        try {
            try {
                await new Promise((resolve, reject) => {
                    this.failTest = reject;
                    timer = setTimeout(() => reject(new Error('the deadline passed')), this.deadlineMs);
                    run().then(resolve, reject);
                });
            } finally {
                clearTimeout(timer);
                await after();
            }
            ++this.passed;
            return true;
        } catch (error) {
            this.fail(name, error);
            return false;
        }
    }

    skip() {
        ++this.skipped;
    }

    // What failed outside of a test.
    fail(name, error) {
        ++this.failed;
        console.error(`FAILED ${name}\n${error.stack}`);
    }

    // Runs `main`, then ends the process.
    async end(main) {
        await main().catch((error) => this.fail('the driver', error));
        const tail = this.skipped ? `, ${this.skipped} skipped` : '';
        console.log(`${this.passed} passed, ${this.failed} failed${tail}`);
        process.exit(this.failed || !this.passed ? 1 : 0);
    }
}

module.exports = { Runner };
