using System.Management.Automation;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Images;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>
/// The paths that a cmdlet is given, as they are or with wildcards. Those with wildcards are kept until the pipeline has ended and then expanded on their
/// hosts, all of a host's in one round trip.
/// </summary>
/// <typeparam name="T">What else was given with a path.</typeparam>
/// <param name="cmdlet">Writes the errors.</param>
/// <param name="add">Takes a path of a host; what it throws is that path's error.</param>
internal sealed class GivenPaths<T>(VirtCommand cmdlet, Action<VirtHost, string, T> add)
{
    private readonly List<(VirtHost Host, string Pattern, T With)> patterns = [];

    /// <summary>A path in which wildcards count.</summary>
    public void AddPath(VirtHost host, string path, T with) => Guarded(path, () =>
    {
        if (!WildcardPattern.ContainsWildcardCharacters(path))
        {
            add(host, WildcardPattern.Unescape(path), with);
            return;
        }

        HostPath.RequireLookable(path);
        patterns.Add((host, path, with));
    });

    /// <summary>A path that is taken as it is, but for what the file system provider puts in front of it: the path itself is the host's.</summary>
    public void AddLiteral(VirtHost host, string path, T with)
    {
        var end = path.IndexOf("::", StringComparison.Ordinal);
        var plain = end > 0 && path[..end].EndsWith("FileSystem", StringComparison.Ordinal) ? path[(end + 2)..] : path;
        Guarded(plain, () => add(host, plain, with));
    }

    /// <summary>Expands the wildcards; afterwards all paths have been added.</summary>
    public void Expand()
    {
        var hosts = patterns.GroupBy(entry => entry.Host).Select(group => (Host: group.Key, Entries: group.ToArray())).ToArray();
        if (hosts.Length == 0) return;
        var found = cmdlet.Pump(pump => cmdlet.SideBySide(hosts, async entry =>
        {
            try
            {
                return (await HostGlob.ExpandAsync(
                    HostFactory.Open(entry.Host, pump), [.. entry.Entries.Select(one => one.Pattern)], WildcardPattern.ContainsWildcardCharacters,
                    (name, candidate) => new WildcardPattern(name).IsMatch(candidate), cmdlet.Stop).ConfigureAwait(false), (VirtException?)null);
            }
            catch (VirtException problem)
            {
                return ([], problem);
            }
        }));

        foreach (var ((host, entries), (paths, problem)) in hosts.Zip(found))
        {
            for (var i = 0; i < entries.Length; i++)
            {
                if (problem is not null) cmdlet.WriteProblem(problem, entries[i].Pattern);
                else foreach (var path in paths[i]) Guarded(path, () => add(host, path, entries[i].With));
            }
        }
    }

    private void Guarded(string target, Action work)
    {
        try
        {
            work();
        }
        catch (VirtException problem)
        {
            cmdlet.WriteProblem(problem, target);
        }
    }
}
