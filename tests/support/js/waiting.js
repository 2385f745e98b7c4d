'use strict';

// Asks every 10 ms until condition(), which may be async, holds; fails after 20 s.
async function eventually(condition, what) {
    const deadline = Date.now() + 20000;
    while (!(await condition())) {
        if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}

module.exports = { eventually };
