// The demo chat page. Its server side is server/app/ChatDemo.
//
// Ids and attributes that tests rely on:
//
//   #name-form #name #enter      choose a name; shown until one was accepted
//   #connection[data-state]      offline | connecting | online
//   #state                       the same in words
//   #transport[data-transport]   "", polling, websocket; its text also shows an upgrade
//       [data-history]           every transport of this connection: "polling,websocket"
//   #problem                     an error for the user; hidden while there is none
//   #my-name #quit               who I am; leave the chat
//   #rooms > li[data-room]       [data-joined] [data-people] [data-unread]; a button opens the room
//   #room-form #room #join       open or make a room by name
//   #chat[data-room] #room-title the room that is shown; #leave leaves it
//   #people > li[data-person]    who is in that room
//   #messages > li               .message[data-kind=text|image] or .note, with [data-from],
//                                [data-mine], [data-state=sending|delivered|failed|received]
//   #typing[data-people]         the names of those who are typing
//   #message-form #text #send    write; #image is the file field for images
"use strict";

(() => {
    const KEPT_MESSAGES = 300;          // per room
    const LARGEST_IMAGE = 900_000;      // bytes; the server takes 1,000,000 with everything around
    const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
    const ACK_TIMEOUT = 10_000;
    const TYPING_AGAIN = 2_000;         // say "typing" at most so often
    const TYPING_SHOWN = 5_000;         // without news a note goes away

    const $ = (id) => document.getElementById(id);
    const element = (tag, attributes = {}, ...children) => {
        const node = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
        node.append(...children);       // strings become text, never markup
        return node;
    };

    let socket = null;
    let detach = () => {};              // takes our listeners off the connection
    let me = null;                      // {id, name}
    let current = null;                 // the name of the room that is shown
    let listed = [];                    // [{name, people}], every room of the server
    let listVersion = 0;
    const joined = new Map();           // room name -> {people, version, messages, unread, typing}
    let wanted = "lobby";               // the room to show once it was joined

    // --- what is shown ------------------------------------------------------------------------

    function showProblem(text) {
        $("problem").textContent = text || "";
        $("problem").hidden = !text;
    }

    function showState(state, text) {
        $("connection").dataset.state = state;
        $("state").textContent = text;
        const ready = state === "online";
        for (const id of ["text", "send", "image", "join", "leave"]) $(id).disabled = !ready;
        $("image-button").classList.toggle("disabled", !ready);
    }

    function showTransport(history) {
        const node = $("transport");
        node.dataset.transport = history.at(-1) || "";
        node.dataset.history = history.join(",");
        node.textContent = history.join(" → ");
    }

    function showRooms() {
        const names = new Map(listed.map((room) => [room.name, room.people]));
        for (const [name, room] of joined) if (!names.has(name)) names.set(name, room.people.length);
        const focused = document.activeElement?.closest?.("#rooms li")?.dataset.room;
        $("rooms").replaceChildren(...[...names].map(([name, people]) => {
            const room = joined.get(name);
            const unread = room ? room.unread : 0;
            const button = element("button", {type: "button"},
                element("span", {class: "name"}, name));
            if (name === current) button.setAttribute("aria-current", "true");
            if (unread) button.append(element("span", {class: "unread", title: "unread"}, `${unread}`));
            button.append(element("span", {class: "count"}, people === 1 ? "1 person" : `${people} people`));
            button.addEventListener("click", () => (joined.has(name) ? show(name) : join(name)));
            return element("li", {"data-room": name, "data-joined": Boolean(room),
                                  "data-people": people, "data-unread": unread}, button);
        }));
        if (focused) [...$("rooms").children].find((li) => li.dataset.room === focused)
            ?.firstChild.focus();
    }

    function showPeople() {
        const room = joined.get(current);
        $("people").replaceChildren(...(room ? room.people : []).map((person) => {
            const item = element("li", {"data-person": person.name}, person.name);
            if (me && person.id === me.id) item.append(element("span", {class: "you"}, "(you)"));
            return item;
        }));
    }

    function showTyping() {
        const room = joined.get(current);
        const names = room ? [...room.typing.values()].map((one) => one.name) : [];
        $("typing").dataset.people = names.join(",");
        $("typing").textContent = names.length === 0 ? ""
            : names.length === 1 ? `${names[0]} is typing …`
            : names.length < 4 ? `${names.join(", ")} are typing …` : "Several people are typing …";
    }

    function show(name) {
        current = name;
        const room = joined.get(name);
        if (room) room.unread = 0;
        $("chat").dataset.room = name || "";
        $("room-title").textContent = name ? `# ${name}` : "No room: join one on the left";
        $("message-form").hidden = $("leave").hidden = !room;
        $("messages").replaceChildren(...(room ? room.messages : []));
        scrollDown();
        showRooms();
        showPeople();
        showTyping();
        if (room) $("text").focus({preventScroll: true});
    }

    const scrollDown = () => { $("messages").scrollTop = $("messages").scrollHeight; };

    function forget(item) {
        const image = item.querySelector("img");
        if (image) URL.revokeObjectURL(image.src);
        item.remove();
    }

    function add(name, item) {
        const room = joined.get(name);
        if (!room) return;
        const list = $("messages");
        const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
        room.messages.push(item);
        if (room.messages.length > KEPT_MESSAGES) forget(room.messages.shift());
        if (name === current) {
            list.append(item);
            if (atEnd || item.dataset.mine === "true") scrollDown();
        } else if (item.dataset.kind) {
            room.unread += 1;
            showRooms();
        }
    }

    const note = (name, text) => add(name, element("li", {class: "note"}, text));

    const clock = (time) =>
        new Date(time || Date.now()).toLocaleTimeString([], {hour: "2-digit", minute: "2-digit"});

    function message(kind, from, mine, content, time) {
        const when = element("span", {class: "when"}, mine ? "sending …" : clock(time));
        const item = element("li", {class: "message", "data-kind": kind, "data-from": from,
                                    "data-mine": mine, "data-state": mine ? "sending" : "received"},
            element("div", {class: "head"}, element("span", {class: "from"}, mine ? "You" : from), when),
            content);
        item.settle = (error, reply) => {
            const good = !error && reply && reply.ok;
            item.dataset.state = good ? "delivered" : "failed";
            when.textContent = good ? `${clock(reply.time)} ✓`
                : `not delivered: ${error ? "no answer" : reply && reply.error}`;
        };
        return item;
    }

    const textBody = (text) => element("div", {class: "body"}, text);

    function imageBody(data, type, caption) {
        // Only what is an image by its announced type is shown, and only as an image.
        const blob = new Blob([data], {type: IMAGE_TYPES.includes(type) ? type : "image/png"});
        const image = element("img", {alt: caption || "image"});
        image.addEventListener("load", scrollDown, {once: true});
        image.src = URL.createObjectURL(blob);
        return image;
    }

    // --- rooms --------------------------------------------------------------------------------

    function enter(name, people, version) {
        const room = joined.get(name) ||
            {people: [], version: 0, messages: [], unread: 0, typing: new Map()};
        if (version >= room.version) Object.assign(room, {people, version});
        joined.set(name, room);
    }

    function join(name) {
        socket.timeout(ACK_TIMEOUT).emit("join", name, (error, reply) => {
            if (error || !reply.ok)
                return showProblem(`${name}: ${error ? "the server did not answer" : reply.error}`);
            showProblem("");
            enter(reply.room, reply.members, reply.version);
            show(reply.room);
        });
    }

    function leave(name) {
        socket.timeout(ACK_TIMEOUT).emit("leave", name, (error) => {
            if (error) return showProblem("The server did not answer.");
            const room = joined.get(name);
            if (room) room.messages.forEach(forget);
            joined.delete(name);
            show(joined.keys().next().value || null);
        });
    }

    // --- typing -------------------------------------------------------------------------------

    let typingSaid = 0;
    let typingEnd = 0;

    function sayTyping(active) {
        clearTimeout(typingEnd);
        if (active) typingEnd = setTimeout(() => sayTyping(false), TYPING_AGAIN + 1000);
        if (active ? Date.now() - typingSaid < TYPING_AGAIN : !typingSaid) return;
        typingSaid = active ? Date.now() : 0;
        if (socket && socket.connected && joined.has(current))
            socket.emit("typing", {room: current, active});
    }

    function heardTyping(name, person, active) {
        const room = joined.get(name);
        if (!room) return;
        clearTimeout(room.typing.get(person.id)?.timer);
        room.typing.delete(person.id);
        if (active) {
            const timer = setTimeout(() => heardTyping(name, person, false), TYPING_SHOWN);
            room.typing.set(person.id, {name: person.name, timer});
        }
        if (name === current) showTyping();
    }

    // --- sending ------------------------------------------------------------------------------

    function sendText(text) {
        const item = message("text", me.name, true, textBody(text));
        add(current, item);
        socket.timeout(ACK_TIMEOUT).emit("message", {room: current, text}, item.settle);
        sayTyping(false);
    }

    /** An image that is too large is made smaller in here, as a JPEG. */
    async function shrink(file) {
        if (file.size <= LARGEST_IMAGE) return file;
        const bitmap = await createImageBitmap(file);
        for (let side = 1600; side >= 400; side /= 2) {
            const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
            const canvas = element("canvas");
            canvas.width = Math.max(1, bitmap.width * scale);
            canvas.height = Math.max(1, bitmap.height * scale);
            canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
            const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
            if (blob && blob.size <= LARGEST_IMAGE) return blob;
        }
        throw new Error("too large");
    }

    async function sendImage(file) {
        const room = current;
        if (!socket || !socket.connected || !joined.has(room)) return;
        if (!IMAGE_TYPES.includes(file.type)) return showProblem("Only PNG, JPEG, GIF and WebP images.");
        try {
            const small = await shrink(file);
            const data = await small.arrayBuffer();
            showProblem("");
            const item = message("image", me.name, true, imageBody(data, small.type, file.name));
            add(room, item);
            socket.timeout(3 * ACK_TIMEOUT).emit("image",
                {room, caption: file.name.slice(0, 80), type: small.type, data}, item.settle);
        } catch {
            showProblem("This image is too large or cannot be read.");
        }
    }

    // --- the connection -----------------------------------------------------------------------

    function connect(name) {
        showProblem("");
        if (typeof io !== "function")
            return showProblem("The Socket.IO client did not load: start the server with --client FOLDER.");
        showState("connecting", "connecting …");
        // Asked for at every connect, so that a reconnect comes back into the same rooms.
        socket = io({auth: (give) => give({name, rooms: [...joined.keys()]})});
        const manager = socket.io;
        const opened = () => {
            const engine = manager.engine;
            const history = [engine.transport.name];
            showTransport(history);
            engine.on("upgrade", (transport) => {
                history.push(transport.name);
                showTransport(history);
            });
        };
        const attempted = (attempt) =>
            showState("connecting", `reconnecting, attempt ${attempt} …`);
        manager.on("open", opened);
        manager.on("reconnect_attempt", attempted);
        detach = () => {
            manager.off("open", opened);
            manager.off("reconnect_attempt", attempted);
        };

        socket.on("connect", () => {
            showProblem("");
            showState("online", "connected");
        });
        socket.on("connect_error", (error) => {
            if (socket.active)          // a broken connection: the client tries again by itself
                return showState("connecting", "the server cannot be reached; trying again …");
            quit();                     // refused by the server
            showProblem(error.message);
        });
        socket.on("disconnect", (reason) => {
            showTransport([]);
            for (const room of joined.values()) {
                for (const one of room.typing.values()) clearTimeout(one.timer);
                room.typing.clear();
                room.version = 0;       // a restarted server counts from the beginning
            }
            listVersion = 0;
            showTyping();
            if (socket.active) return showState("connecting", `connection lost (${reason}); reconnecting …`);
            showState("offline", `disconnected (${reason})`);
            if (reason === "io server disconnect") {
                quit();
                showProblem("The server ended the connection.");
            }
        });

        socket.on("welcome", ({you, rooms}) => {
            me = you;
            sessionStorage.setItem("chat-name", you.name);
            $("my-name").textContent = you.name;
            $("welcome").hidden = true;
            $("chat").hidden = $("me").hidden = false;
            for (const room of rooms) enter(room.room, room.members, room.version);
            for (const name of [...joined.keys()])
                if (!rooms.some((room) => room.room === name)) joined.delete(name);
            show(joined.has(current) ? current : joined.has(wanted) ? wanted : joined.keys().next().value || null);
        });
        socket.on("rooms", ({version, rooms}) => {
            if (version < listVersion) return;
            listVersion = version;
            listed = rooms;
            showRooms();
        });
        socket.on("members", ({room: name, version, members, joined: came, left}) => {
            const room = joined.get(name);
            if (!room) return;
            if (came && came.id !== me.id) note(name, `${came.name} came in`);
            if (left) {
                note(name, `${left.name} left`);
                heardTyping(name, left, false);
            }
            if (version < room.version) return;
            Object.assign(room, {people: members, version});
            if (name === current) showPeople();
            showRooms();
        });
        socket.on("message", ({room, from, text, time}) => {
            heardTyping(room, from, false);
            add(room, message("text", from.name, false, textBody(text), time));
        });
        socket.on("image", ({room, from, caption, type, data, time}) =>
            add(room, message("image", from.name, false, imageBody(data, type, caption), time)));
        socket.on("typing", ({room, from, active}) => heardTyping(room, from, active));
    }

    function quit() {
        if (socket) {
            detach();
            socket.off();
            socket.disconnect();
        }
        socket = me = null;
        for (const room of joined.values()) room.messages.forEach(forget);
        joined.clear();
        listed = [];
        listVersion = 0;
        show(null);
        showTransport([]);
        showState("offline", "not connected");
        $("welcome").hidden = false;
        $("chat").hidden = $("me").hidden = true;
        $("name").focus();
    }

    // --- the page -----------------------------------------------------------------------------

    const onSubmit = (form, field, action) => $(form).addEventListener("submit", (event) => {
        event.preventDefault();
        const value = $(field).value.trim();
        if (!value) return;
        action(value);
    });
    onSubmit("name-form", "name", (name) => { if (!socket) connect(name); });
    onSubmit("room-form", "room", (name) => {
        if (joined.has(name)) show(name);
        else join(name);
        $("room").value = "";
    });
    onSubmit("message-form", "text", (text) => {
        if (!joined.has(current) || !socket.connected) return;
        sendText(text);
        $("text").value = "";
    });
    $("text").addEventListener("input", () => sayTyping($("text").value !== ""));
    $("text").addEventListener("paste", (event) => {
        const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
        if (!file) return;
        event.preventDefault();
        sendImage(file);
    });
    $("image").addEventListener("change", () => {
        const file = $("image").files[0];
        $("image").value = "";          // the same file may be sent again
        if (file) sendImage(file);
    });
    $("leave").addEventListener("click", () => leave(current));
    $("quit").addEventListener("click", quit);
    $("name").value = sessionStorage.getItem("chat-name") || "";
    showState("offline", "not connected");
})();
