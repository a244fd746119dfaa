/**
 * Opens the files of `-audit`, `-audit-fd` and `-learn`. Must be done before `-user` and `-sandbox` take effect.
 *
 * @module
 */
import { InheritedOutput } from "../process/inherited_output.ts";
import { OutputFile } from "../process/output_file.ts";
import type { AuditFile } from "../../forward/audit/audit_writer.ts";
import type { SharedOptions } from "../../forward/cli/flags/options.ts";
import * as lines from "../../forward/report/contract_lines.ts";
import { attempt, messageOf, StartFailed } from "../../forward/report/start_failed.ts";

/** Opens it; null: there is no audit. The descriptor is taken over already. Throws a {@linkcode StartFailed}. */
export function openAudit({ audit: path, auditFd: fd }: Pick<SharedOptions, "audit" | "auditFd">): AuditFile | null {
  if (path !== null && fd !== null) {
    throw new StartFailed(
      lines.ExitStatus.BAD_FLAGS,
      lines.problem("-audit and -audit-fd: only one of them can be given"),
    );
  }
  if (fd !== null) return new InheritedOutput(fd);
  if (path === null) return null;
  return attempt(lines.ExitStatus.FAILURE, lines.auditFailed, () => OutputFile.append(path));
}

/**
 * Opens and empties the file of `-learn`. Returns what writes it, and then returns why that failed, or null; null: there is
 * no such file. Throws a {@linkcode StartFailed}.
 */
export function openLearned({ learn: path }: Pick<SharedOptions, "learn">): ((text: string) => string | null) | null {
  if (path === null) return null;
  const file = attempt(lines.ExitStatus.FAILURE, lines.policyUnwritten, () => OutputFile.create(path));
  return (text) => {
    const bytes = new TextEncoder().encode(text);
    try {
      for (let at = 0; at < bytes.length;) {
        const written = file.write(bytes, at, bytes.length);
        if (written === 0) return "its reader is too slow";
        at += written;
      }
      return null;
    } catch (error) {
      return messageOf(error);
    } finally {
      file.close();
    }
  };
}
