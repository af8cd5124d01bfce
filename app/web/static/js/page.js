// What every page starts with. An entry script imports what it needs of it and adds its own.

import { Api } from "./api.js";
import { Connection } from "./connection.js";
import { byId } from "./dom.js";
import { Events } from "./events.js";
import { Key } from "./key.js";
import { Player } from "./player.js";
import { Theme } from "./theme.js";
import { Toasts } from "./toasts.js";

export const connection = new Connection();
export const key = new Key();
export const api = new Api(key, connection);
/** Tells nothing until it is started. */
export const events = new Events();
export const player = new Player(api);
export const theme = new Theme();
export const toasts = new Toasts();

// On a phone the sections scroll sideways: the one that is open must be seen.
byId("sections").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
