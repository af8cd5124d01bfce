// A query clip: sent, listened to by a worker, and then good for searching.

import { Unreachable } from "./api.js";
import { percent } from "./format.js";

const LOOK_MS = 300;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Send a file as a clip and wait until it can be searched by.
 * @param onProgress hears in words how far it is
 * @returns the clip
 */
export async function sendClip(api, file, { onProgress, signal }) {
  const { clip, job } = await api.upload("/v1/clips", file, {
    signal,
    onProgress: (share) => onProgress(share < 1 ? `Sending, ${percent(share)}` : "Checking the file"),
  });
  await finished(api, job, { onProgress, signal });
  return api.get(`/v1/clips/${clip.id}`, signal).catch(() => clip);
}

async function finished(api, job, { onProgress, signal }) {
  while (job.state === "queued" || job.state === "running") {
    onProgress(job.state === "queued" ? "Waiting for a worker" : `Listening: ${job.stage ?? "starting"}, ${percent(job.progress)}`);
    await pause(LOOK_MS);
    job = await looked(api, job, signal);
  }
  if (job.state !== "done") throw new Error(job.error?.message ?? "The clip could not be used.");
}

/** The job as it stands now; as it was while the service is away. */
async function looked(api, job, signal) {
  try {
    return await api.get(`/v1/jobs/${job.id}`, signal);
  } catch (error) {
    if (error instanceof Unreachable || error.passing) return job;
    throw error;
  }
}
