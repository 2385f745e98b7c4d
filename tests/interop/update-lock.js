// Makes package-lock.json anew: `npm run update-lock`, with npm 10 or later.
//
// Two dependencies of socket.io-client 1.3.5 cannot be installed any more, so npm needs `overrides`
// to resolve them; the npm 9 of Debian 12 fails on overrides of that form as soon as a lock file
// exists. So the overrides are used here only, and the lock states their result instead.
'use strict';
const { execFileSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const overrides = {
    xmlhttprequest: 'npm:xmlhttprequest-ssl@1.5.3',
    'has-cors': '1.1.0',
};

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'interop-lock-'));
const manifest = JSON.parse(fs.readFileSync(path.join(__dirname, 'package.json'), 'utf8'));
fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ ...manifest, overrides }));
const flags = ['--package-lock-only', '--omit-lockfile-registry-resolved', '--ignore-scripts'];
execFileSync('npm', ['install', ...flags], { cwd: folder, stdio: 'inherit' });

const lock = JSON.parse(fs.readFileSync(path.join(folder, 'package-lock.json'), 'utf8'));
for (const entry of Object.values(lock.packages))
    for (const [name, wanted] of Object.entries(overrides))
        if (entry.dependencies && name in entry.dependencies) entry.dependencies[name] = wanted;
fs.writeFileSync(path.join(__dirname, 'package-lock.json'), JSON.stringify(lock, null, 4) + '\n');
fs.rmSync(folder, { recursive: true });
