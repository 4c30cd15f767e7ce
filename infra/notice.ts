/** Tells an operator something. A `fault` is what is wrong, and not only what is done. */
export type Notice = (text: string, kind?: 'fault') => void
