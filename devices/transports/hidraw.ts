/** An open hidraw node. Disposing resolves when it is released. */
export interface Hidraw extends AsyncDisposable {
  /** `report` starts with its ID, 0 where the device numbers none. Rejects when the device refuses or is gone. */
  sendFeatureReport(report: Uint8Array): Promise<void>
  /** At most `maxBytes`, the ID among them. Rejects when the device refuses or is gone. */
  getFeatureReport(id: number, maxBytes: number): Promise<Uint8Array>
}

/** Both are called from the event loop and must not throw; neither after the node was disposed. */
export interface HidrawReceiver {
  /** One input report, as the device sent it. */
  report(bytes: Uint8Array): void
  /** Reading ended; no report follows. */
  failed(cause: unknown): void
}

/** Opens a node by its path, or throws an AppError with a `reader-…` code. */
export type OpenHidraw = (path: string, receiver: HidrawReceiver) => Promise<Hidraw>
