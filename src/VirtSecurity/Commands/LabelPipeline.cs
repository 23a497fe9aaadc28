using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Images;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>
/// The way of the cmdlets that look at labels: paths are gathered while the pipeline runs, each host is asked once about all of its own, and what it answers is
/// judged and written one after another as soon as it has answered.
/// </summary>
internal sealed class LabelPipeline
{
    private readonly VirtCommand cmdlet;
    private readonly GivenPaths<bool> given;
    private readonly Dictionary<VirtHost, List<string>> asked = [];
    private readonly HashSet<(VirtHost, string)> known = [];

    /// <summary>A pipeline without paths.</summary>
    public LabelPipeline(VirtCommand cmdlet)
    {
        this.cmdlet = cmdlet;
        given = new(cmdlet, (host, path, _) => Add(host, path));
    }

    /// <summary>Takes paths, with wildcards or as they are.</summary>
    public void Add(IReadOnlyList<VirtHost> hosts, IReadOnlyList<string> paths, bool isLiteral)
    {
        foreach (var host in hosts)
        {
            foreach (var path in paths)
            {
                if (isLiteral) given.AddLiteral(host, path, true);
                else given.AddPath(host, path, true);
            }
        }
    }

    /// <summary>Asks, judges and writes.</summary>
    /// <param name="recurse">All that is below the paths as well.</param>
    /// <param name="isStrict">The SELinux user is judged as well.</param>
    /// <param name="write">Takes each verdict, on the pipeline's thread.</param>
    /// <returns>Whether everything that was asked for could be judged.</returns>
    public bool Run(bool recurse, bool isStrict, Action<VirtImageContextTest> write)
    {
        given.Expand();
        var isAll = true;
        void Fail(VirtException problem, object target)
        {
            isAll = false;
            cmdlet.WriteProblem(problem, target);
        }

        cmdlet.Pump(pump => cmdlet.SideBySide(asked, async host =>
        {
            try
            {
                var facts = await LabelReader.ReadAsync(HostFactory.Open(host.Key, pump), host.Value, recurse, cmdlet.Stop).ConfigureAwait(false);
                pump.Write(_ =>
                {
                    foreach (var words in facts.Trees.Unreadable) Fail(new VirtException("LabelsUnreadable", host.Key, words), host.Key);
                    foreach (var path in host.Value) Judge(facts, path);
                });
            }
            catch (VirtException problem)
            {
                pump.Write(_ => Fail(problem, host.Key));
            }
            finally
            {
                pump.Done(host.Key);
            }

            return true;
        }));
        return isAll;

        void Judge(LabelFacts facts, string path)
        {
            try
            {
                foreach (var test in VirtImageContextTest.From(facts, path, isStrict)) write(test);
            }
            catch (VirtException problem)
            {
                Fail(problem, path);
            }
        }
    }

    private void Add(VirtHost host, string path)
    {
        HostPath.RequireLookable(path);
        if (!known.Add((host, path))) return;
        if (!asked.TryGetValue(host, out var paths)) asked[host] = paths = [];
        paths.Add(path);
    }
}
