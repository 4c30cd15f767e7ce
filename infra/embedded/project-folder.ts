import { fileURLToPath } from 'node:url'

/** The project's own folder: the one that holds package.json. */
export const projectFolder = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '')

/** Where everything lives that the project makes for itself; git ignores it, and it may be removed at will. */
export const scissionFolder = `${projectFolder}/.scission`

/** Programs that were unpacked once, for all later runs. */
export const programsFolder = `${scissionFolder}/programs`
