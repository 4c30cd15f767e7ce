/** Each reader and loader is a connection; more of them than this wait for the server's disks, not for each other. */
export const MAX_CONNECTIONS = 32

export const DEFAULT_READERS = 4
export const DEFAULT_LOADERS = 2
