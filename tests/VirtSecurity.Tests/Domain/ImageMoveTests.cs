using VirtSecurity.Images;
using VirtSecurity.Tests.Domain.Model;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>An image is moved as a whole or not at all, and never out of the hands of whoever uses it.</summary>
public sealed class ImageMoveTests
{
    [Fact]
    public async Task TheImageItsOwnerAndItsGuestsGoTogetherAndTheOldFileGoesLast()
    {
        using var host = new ModelHost(Scenarios.MovableImages());
        var made = Assert.Single(await FlowRun.OfAsync(ImageMoves.Flow, host, [Scenarios.Move("/old/web.img")]));
        Assert.Null(made.Failure);
        var image = host.Machine.Look("/images/web.img")!;
        Assert.Equal(("640", 64055, "the data of web", "system_u:object_r:virt_image_t:s0"), (image.Mode, image.Owner, image.Content, image.Label));
        Assert.Null(host.Machine.Look("/old/web.img"));
        Assert.Contains("<source file='/images/web.img'/>", host.Machine.Definitions["/etc/libvirt/qemu/web.xml"], StringComparison.Ordinal);
        Assert.Equal(["journal", "image-begin", "image-copy", "restorecon", "virsh define", "journal", "image-remove", "journal"], host.Mutations.Select(mutation => mutation.Call.Tool));
        Assert.Equal(("/images/web.img", "/old/web.img", "web", true), (made.Result!.Path, made.Result.SourcePath, Assert.Single(made.Result.Guest), made.Result.IsCompliant));
        Assert.Equal(image.Content!.Length, made.Result.Size);
    }

    [Fact]
    public async Task WhatIsThereAlreadyIsLeftAlone()
    {
        using var host = new ModelHost(Scenarios.MovableImages());
        var made = Assert.Single(await FlowRun.OfAsync(ImageMoves.Flow, host, [Scenarios.Move("/images/one.img")]));
        Assert.True(made.Plan!.IsEmpty);
        Assert.Empty(host.Mutations);
    }

    [Theory]
    [InlineData("gone", "PathNotFound", "/old/web.img does not exist")]
    [InlineData("link", "ImageNotMovable", "is a symbolic link")]
    [InlineData("link above", "ImageNotMovable", "/old is a symbolic link")]
    [InlineData("directory", "ImageNotMovable", "no regular file")]
    [InlineData("running", "ImageInUse", "the guest web runs with it")]
    [InlineData("open", "ImageInUse", "process 4711 qemu-nbd has it open")]
    [InlineData("managed save", "ImageNotMovable", "a managed save")]
    [InlineData("based on it", "ImageNotMovable", "/images/one.img is based on it")]
    [InlineData("maybe based on it", "ImageNotMovable", "/images/one.img is based on it, or may be")]
    [InlineData("relative", "ImageNotMovable", "'base.img', which its header names relative")]
    [InlineData("taken", "DestinationTaken", "/images/web.img already")]
    [InlineData("no rule", "DestinationNotLabelled", "default_t")]
    [InlineData("no directory", "PathNotFound", "/images does not exist")]
    [InlineData("full", "DestinationFull", "does not fit")]
    [InlineData("by pool and volume", "DefinitionNotEditable", "web")]
    [InlineData("in an argument", "DefinitionNotEditable", "web")]
    [InlineData("not understood", "FactUnknown", "broken.xml")]
    [InlineData("no virsh", "ToolNotFound", "virsh")]
    public async Task WhatForbidsItIsSaidAndNothingIsChanged(string obstacle, string id, string words)
    {
        var machine = Scenarios.MovableImages();
        const string file = "/etc/libvirt/qemu/web.xml";
        switch (obstacle)
        {
            case "gone": Forget(machine, "/old/web.img"); break;
            case "link": Replace(machine, "/old/web.img", 'l'); break;
            case "link above": Replace(machine, "/old", 'l'); break;
            case "directory": Replace(machine, "/old/web.img", 'd'); break;
            case "running": machine.DefineGuest("web", "/old/web.img", running: true); break;
            case "open": machine.OpenFiles.Add(("/old/web.img", 4711, "qemu-nbd")); break;
            case "managed save": machine.GuestStates.Add(("web", "a managed save (/var/lib/libvirt/qemu/save/web.save)")); break;
            case "based on it": machine.BackingNames["/images/one.img"] = "../old/web.img"; break;
            case "maybe based on it": machine.BackingNames["/images/one.img"] = "json:{"; break;
            case "relative": machine.BackingNames["/old/web.img"] = "base.img"; break;
            case "taken": machine.AddFile("/images/web.img", '-', "600", "system_u:object_r:virt_image_t:s0"); break;
            case "no rule": machine.LocalRules.Clear(); break;
            case "no directory": foreach (var path in machine.Root.Inodes.Keys.Where(path => path.StartsWith("/images", StringComparison.Ordinal)).ToArray()) Forget(machine, path); break;
            case "full": machine.FreeBytes = 4096; break;
            case "by pool and volume":
                machine.Definitions["/etc/libvirt/storage/old.xml"] = "<pool type='dir'><name>old</name><target><path>/old</path></target></pool>";
                machine.Definitions[file] = machine.Definitions[file].Replace("file='/old/web.img'", "pool='old' volume='web.img'", StringComparison.Ordinal);
                break;
            case "in an argument": machine.Definitions[file] = machine.Definitions[file].Replace("</domain>", "<commandline><arg value='-drive file=/old/web.img,if=none'/></commandline></domain>", StringComparison.Ordinal); break;
            case "not understood": machine.Definitions["/etc/libvirt/qemu/broken.xml"] = "<domain>"; break;
            case "no virsh": machine.MissingTools.Add("virsh"); break;
        }

        using var host = new ModelHost(machine);
        var refusal = Assert.Single(await FlowRun.OfAsync(ImageMoves.Flow, host, [Scenarios.Move("/old/web.img")])).Refusal;
        Assert.Equal(id, refusal?.Id);
        Assert.Contains(words, refusal!.Message, StringComparison.Ordinal);
        Assert.Empty(host.Mutations);
    }

    /// <summary>A guest that comes while its image is moved keeps what it has written, wherever that is.</summary>
    [Theory]
    [InlineData("image-copy", "/old/web.img", "/old/web.img")]
    [InlineData("virsh define", "/old/web.img", "/old/web.img")]
    [InlineData("image-remove", "/old/web.img", "/old/web.img")]
    [InlineData("image-remove", "/images/web.img", "/images/web.img")]
    public async Task WhatAGuestWritesMeanwhileIsNeverLost(string before, string written, string kept)
    {
        using var host = new ModelHost(Scenarios.MovableImages());
        host.Before = call =>
        {
            if (call.Tool == before && host.Machine.Look(written) is { } image && image.Content != "written meanwhile") (image.Content, image.Written) = ("written meanwhile", image.Written + 100);
            return Task.CompletedTask;
        };
        await FlowRun.OfAsync(ImageMoves.Flow, host, [Scenarios.Move("/old/web.img")]);
        Assert.Equal("written meanwhile", host.Machine.Look(kept)?.Content);
        Assert.Contains($"'{kept}'", host.Machine.Definitions["/etc/libvirt/qemu/web.xml"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/old/web.img", "/etc", "RefusedPath")]
    [InlineData("/old/web.img", "images", "InvalidPath")]
    [InlineData("old/web.img", "/images", "InvalidPath")]
    [InlineData("/dev/vg/web", "/images", "ImageNotMovable")]
    [InlineData("/old/a\nb.img", "/images", "InvalidPath")]
    public void WhatCanBeToldWithoutAHostIs(string path, string destination, string id) =>
        Assert.Equal(id, Assert.Throws<VirtSecurity.Resources.VirtException>(() => Scenarios.Move(path, destination)).Id);

    private static void Forget(ModelMachine machine, string path) => machine.Root.Inodes.Remove(path);

    private static void Replace(ModelMachine machine, string path, char type)
    {
        Forget(machine, path);
        machine.AddFile(path, type, "755", "unconfined_u:object_r:default_t:s0");
    }
}
