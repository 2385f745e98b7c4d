// Real web servers in front of a server under test: nginx, lighttpd and Apache, as Debian installs
// them, each with a folder of its own, on the loopback, without touching the system's configuration.
//
//     const front = new Nginx({ routes: [{ path: '/', fastcgi: '127.0.0.1:9000' }] });
//     await front.start();  ...front.url...  await front.stop();
//
// A route has `path` and one of
//     fastcgi  'HOST:PORT' or the path of a Unix socket; with `keep`, connections are kept
//     proxy    'HOST:PORT' of an HTTP server; with `webSocket` alone, only requests to upgrade
//     cgi      the path of a CGI program, with `environment` for it (lighttpd and Apache)
'use strict';
const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { canConnect, freePort } = require('./server-process.js');
const { eventually } = require('./waiting.js');

const running = new Set();
process.on('exit', () => running.forEach((server) => server.killNow()));

const isRoot = process.getuid() === 0;

class WebServer {
    constructor({ routes }) {
        this.routes = routes;
    }

    get url() {
        return `http://127.0.0.1:${this.port}`;
    }

    async start() {
        this.port = await freePort();
        this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'web-'));
        fs.chmodSync(this.folder, 0o755);
        fs.mkdirSync(path.join(this.folder, 'docs'));
        fs.writeFileSync(path.join(this.folder, 'conf'), this.configuration());
        const [program, ...args] = this.command();
        this.output = '';
        // A group of its own: what is left of it can be ended as one.
        this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
        running.add(this);
        for (const stream of [this.child.stdout, this.child.stderr])
            stream.on('data', (data) => (this.output += data));
        this.exited = new Promise((resolve) => {
            this.child.on('exit', (code, signal) => resolve(signal || code));
            this.child.on('error', (error) => resolve(error.message));
        });
        let ended;
        this.exited.then((status) => (ended = status));
        const deadline = Date.now() + 10000;
        while (!(await canConnect(this.port))) {
            if (ended !== undefined || Date.now() > deadline)
                throw new Error(`${program} does not start: ${ended}\n${this.log()}`);
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    }

    // What it had to say.
    log() {
        const file = path.join(this.folder, 'error.log');
        return this.output + (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');
    }

    killNow() {
        try {
            process.kill(-this.child.pid, 'SIGKILL');
        } catch {
            // it has ended
        }
        fs.rmSync(this.folder, { recursive: true, force: true });
    }

    async stop() {
        this.child.kill('SIGTERM');
        const timer = setTimeout(() => this.killNow(), 10000);
        await this.exited;
        clearTimeout(timer);
        this.killNow();
        running.delete(this);
    }
}

class Nginx extends WebServer {
    command() {
        return ['/usr/sbin/nginx', '-p', this.folder, '-c', path.join(this.folder, 'conf'), '-e',
            path.join(this.folder, 'error.log')];
    }

    // Takes the configuration again, as `nginx -s reload` does; returns when a new worker is there.
    async reload() {
        const before = this.workers();
        this.child.kill('SIGHUP');
        await eventually(() => this.workers().some((worker) => !before.includes(worker)),
            'a new worker of nginx');
    }

    // Their process ids, with those of old ones that still have requests to answer.
    workers() {
        const { pid } = this.child;
        return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    }

    // What is in its http block.
    http() {
        const upstream = (address) => (address.startsWith('/') ? `unix:${address}` : address);
        const upstreams = this.routes.map((route, i) => `
    upstream backend${i} { server ${upstream(route.fastcgi || route.proxy)} max_fails=0;
        ${route.keep ? 'keepalive 32;' : ''} }`);
        const proxy = (i) => `proxy_pass http://backend${i};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;`;
        const webSocket = this.routes.findIndex((route) => route.webSocket);
        const fastcgi = (route, i) => `include /etc/nginx/fastcgi_params;
            fastcgi_param HTTP_HOST $http_host;
            ${route.keep ? 'fastcgi_keep_conn on;' : ''}
            fastcgi_pass backend${i};`;
        const locations = this.routes.map((route, i) => (route.webSocket ? '' : `
        location ${route.path} {
            ${webSocket < 0 ? '' : `error_page 418 = @websocket;
            if ($http_upgrade ~* websocket) { return 418; }`}
            ${route.fastcgi ? fastcgi(route, i) : proxy(i)}
        }`));
        if (webSocket >= 0) locations.push(`
        location @websocket { ${proxy(webSocket)} }`);
        return `
    client_max_body_size 10m;
    large_client_header_buffers 4 16k;
    map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
    ${upstreams.join('')}
    server {
        listen 127.0.0.1:${this.port} backlog=4096;
        keepalive_requests 100000;
        ${locations.join('')}
    }`;
    }

    configuration() {
        const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
            (name) => `${name}_temp_path ${this.folder}/${name};`).join('\n    ');
        return `${isRoot ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${this.folder}/pid;
events { worker_connections 8192; }
http {
    access_log off;
    ${temporary}
    ${this.http()}
}
`;
    }
}

class Lighttpd extends WebServer {
    command() {
        return ['/usr/sbin/lighttpd', '-D', '-f', path.join(this.folder, 'conf')];
    }

    configuration() {
        const fastcgi = this.routes.filter((route) => route.fastcgi).map((route) => {
            const [host, port] = route.fastcgi.split(':');
            const address = route.fastcgi.startsWith('/')
                ? `"socket" => "${route.fastcgi}"` : `"host" => "${host}", "port" => ${port}`;
            return `"${route.path}" => (( ${address}, "check-local" => "disable",
        "disable-time" => 0 ))`;
        });
        const cgi = this.routes.filter((route) => route.cgi).map((route) => `
alias.url += ( "${route.path}" => "${route.cgi}" )
$HTTP["url"] =~ "^${route.path}" {
    cgi.assign = ( "" => "" )
    setenv.set-environment = ( ${Object.entries(route.environment || {}).map(
        ([name, value]) => `"${name}" => "${value}"`).join(', ')} )
}`);
        return `
server.modules = ( "mod_alias", "mod_setenv", "mod_fastcgi", "mod_cgi" )
server.document-root = "${this.folder}/docs"
server.bind = "127.0.0.1"
server.port = ${this.port}
server.errorlog = "${this.folder}/error.log"
server.upload-dirs = ( "${this.folder}" )
server.max-keep-alive-requests = 100000
${fastcgi.length ? `fastcgi.server = ( ${fastcgi.join(', ')} )` : ''}
${cgi.join('')}
`;
    }
}

class Apache extends WebServer {
    command() {
        return ['/usr/sbin/apache2', '-DFOREGROUND', '-f', path.join(this.folder, 'conf')];
    }

    configuration() {
        const modules = ['mpm_event', 'authz_core', 'env', 'alias', 'proxy', 'proxy_fcgi', 'proxy_http',
            'cgid'].map((name) =>
            `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
        const routes = this.routes.map((route) => {
            if (route.cgi)
                return `ScriptAlias "${route.path}" "${route.cgi}"
${Object.entries(route.environment || {}).map(([name, value]) => `SetEnv ${name} "${value}"`).join('\n')}
<Directory "${path.dirname(route.cgi)}">
    Require all granted
</Directory>`;
            const target = route.proxy ? `http://${route.proxy}${route.path}`
                : route.fastcgi.startsWith('/') ? `unix:${route.fastcgi}|fcgi://localhost${route.path}`
                    : `fcgi://${route.fastcgi}${route.path}`;
            return `ProxyPass "${route.path}" "${target}" retry=0 ${route.keep ? 'enablereuse=on' : ''}`;
        });
        return `
ServerRoot "${this.folder}"
DefaultRuntimeDir "${this.folder}"
PidFile "${this.folder}/pid"
ErrorLog "${this.folder}/error.log"
DocumentRoot "${this.folder}/docs"
ServerName localhost
Listen 127.0.0.1:${this.port}
${isRoot ? 'User www-data\nGroup www-data' : ''}
${modules.join('\n')}
ScriptSock "${this.folder}/cgisock"
StartServers 1
ServerLimit 4
ThreadsPerChild 64
MaxRequestWorkers 256
MaxKeepAliveRequests 0
${routes.join('\n')}
`;
    }
}

module.exports = { Nginx, Lighttpd, Apache };
