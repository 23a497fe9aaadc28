namespace VirtSecurity.Lab;

/// <summary>Debian's packages in the running machine, which has no network: this machine fetches what that one lacks, by that one's own list, and hands it in.</summary>
public static class GuestPackages
{
    private const string Keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
    private const string Folder = "/root/packages";

    /// <summary>Installs packages with what they depend on, for as long as the machine is not reset.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="packages">Their names.</param>
    /// <param name="progress">Told of the steps.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="LabException">apt-get or the network is missing here, or dpkg fails there.</exception>
    public static async Task InstallAsync(LabMachine machine, IReadOnlyList<string> packages, IProgress<string>? progress, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var names = string.Join(' ', packages);
        if (Tool.Find("apt-get") is null) throw new LabException($"To fetch {names} for the lab machine takes apt-get, and this machine has none.");
        var folder = Directory.CreateTempSubdirectory("virtlab-packages-").FullName;
        try
        {
            foreach (var inside in (string[])["state/lists/partial", "cache/archives/partial"]) Directory.CreateDirectory(Path.Combine(folder, inside));
            // This machine may be another Debian, or an Ubuntu: neither its sources nor its packages count.
            await File.WriteAllLinesAsync(Path.Combine(folder, "sources"), Sources(), ct).ConfigureAwait(false);
            await File.WriteAllTextAsync(Path.Combine(folder, "status"), (await machine.CheckAsync("cat /var/lib/dpkg/status", null, ct).ConfigureAwait(false)).Stdout, ct).ConfigureAwait(false);
            string[] options =
            [
                "-q", "-y", .. new[]
                {
                    $"Dir::State={folder}/state", $"Dir::State::status={folder}/status", $"Dir::Cache={folder}/cache", $"Dir::Etc::SourceList={folder}/sources", "Dir::Etc::SourceParts=/dev/null", "APT::Sandbox::User=root", "APT::Architecture=amd64",
                }.SelectMany(option => new[] { "-o", option }),
            ];
            await LabStep.RunAsync(progress, $"fetching {names}", async () =>
            {
                await Tool.RunAsync("apt-get", [.. options, "update"], ct).ConfigureAwait(false);
                await Tool.RunAsync("apt-get", [.. options, "install", "--download-only", "--no-install-recommends", .. packages], ct).ConfigureAwait(false);
            }).ConfigureAwait(false);
            await LabStep.RunAsync(progress, $"installing {names} in the machine", async () =>
            {
                await machine.CopyToAsync(Path.Combine(folder, "cache/archives"), Folder, ct).ConfigureAwait(false);
                await machine.CheckAsync($"DEBIAN_FRONTEND=noninteractive dpkg --install {Folder}/*.deb </dev/null && rm -r {Folder}", TimeSpan.FromMinutes(20), ct).ConfigureAwait(false);
            }).ConfigureAwait(false);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static IEnumerable<string> Sources() => new[] { ("debian", LabFlavour.Suite), ("debian", $"{LabFlavour.Suite}-updates"), ("debian-security", $"{LabFlavour.Suite}-security") }
        .Select(source => $"deb [signed-by={Keys}] http://deb.debian.org/{source.Item1} {source.Item2} main");
}
